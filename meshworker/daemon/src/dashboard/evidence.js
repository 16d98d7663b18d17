// All evidence for one member, beside the page or over it.

import * as api from './api.js';
import { clockTime, showAge } from './clock.js';
import { h, redraw, say } from './dom.js';
import { MEANING, icon, remaining } from './states.js';
import { line } from './timeline.js';

/// So many of a member's events are shown, newest first.
const EVENTS = 100;

export class Evidence {
  #panel = document.getElementById('evidence');
  #title = document.getElementById('evidence-title');
  #body = document.getElementById('evidence-body');
  #chosen = null;
  #opener = null;
  #busy = false;
  #again = false;

  constructor() {
    document.getElementById('evidence-close').addEventListener('click', () => this.close());
    document.addEventListener('keydown', (key) => {
      if (key.key === 'Escape' && this.#chosen) this.close();
    });
  }

  /// Opens for one member, which stays in the page's address.
  open(cluster, member) {
    if (!this.#chosen) this.#opener = document.activeElement;
    this.#chosen = { cluster, member };
    say(this.#title, member);
    redraw(this.#body, 'asking', () => h('p', { class: 'quiet' }, 'asking the worker …'));
    this.#panel.hidden = false;
    document.body.classList.add('with-evidence');
    history.replaceState(null, '', `#/${encodeURIComponent(cluster)}/${encodeURIComponent(member)}`);
    this.#title.focus();
    this.#ask();
  }

  close() {
    this.#chosen = null;
    this.#panel.hidden = true;
    document.body.classList.remove('with-evidence');
    history.replaceState(null, '', location.pathname + location.search);
    const name = this.#opener?.dataset?.focus;
    const opener = this.#opener?.isConnected
      ? this.#opener
      : name && document.querySelector(`[data-focus="${CSS.escape(name)}"]`);
    (opener || document.getElementById('clusters')).focus({ preventScroll: true });
  }

  /// A cluster changed: what is open may be too.
  changed(cluster) {
    if (this.#chosen?.cluster === cluster) this.#ask();
  }

  async #ask() {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    const chosen = this.#chosen;
    const why = await found(chosen.cluster, chosen.member);
    this.#busy = false;
    if (this.#chosen && (this.#again || this.#chosen !== chosen)) {
      this.#again = false;
      this.#ask();
    }
    if (this.#chosen === chosen && why) this.#show(why);
  }

  #show(why) {
    // Ages go on by themselves, and are no news.
    const still = { ...why, members: why.members.map((one) => ({ ...one, sightings: one.sightings.map(({ age_seconds, ...rest }) => rest) })) };
    redraw(this.#body, still, () => evidence(why));
    const times = why.members.flatMap((one) => one.sightings.map((sighting) => Date.now() - sighting.age_seconds * 1000));
    this.#body.querySelectorAll('.said').forEach((cell, nth) => showSaid(cell, times[nth]));
  }
}

/// What the worker knows; of a member that it does not know any more, what
/// happened to it. None where nobody answers.
async function found(cluster, member) {
  try {
    return await api.why(cluster, member);
  } catch (error) {
    if (!(error instanceof api.Problem)) return null;
    const history = await api.memberEvents(cluster, member).catch(() => ({ events: [] }));
    return { members: [], problem: error.message, seen_by: [], steps: [], refusals: [], leaver: null, events: history.events };
  }
}

function showSaid(cell, time) {
  if (time !== undefined) showAge(cell, time);
}

function evidence(why) {
  return [
    why.problem ? h('p', { class: 'banner warn' }, why.problem) : null,
    why.members.map(memberOf),
    section('On its way out', why.leaver && [h('p', {},
      `${why.leaver.going}: place ${why.leaver.place}, ${remaining(why.leaver)}. ${why.leaver.waits_for ?? ''}`)]),
    section('Refused', listOf(why.refusals, (one) => [
      h('b', {}, one.what), ` ${one.reason} `, h('code', { class: 'quiet' }, one.kind), texts(one.evidence)])),
    section('Done in the last pass', listOf(why.steps, (one) => [
      h('b', {}, one.kind), ' ', h('code', {}, one.request), ` at ${one.to}: `,
      one.ok === null ? 'not made' : one.ok ? 'taken' : h('span', { class: 'bad-text' }, 'failed'),
      one.reply === null ? '' : ` (${one.reply})`, texts(one.evidence)])),
    section('What the others’ databases say of it', why.seen_by.length > 0 && [texts(why.seen_by)]),
    section('What happened', why.events.length > 0 && [h('ol', { class: 'events', reversed: true },
      why.events.slice(-EVENTS).reverse().map((event) => line(event, null, false)))]),
  ];
}

function section(title, content) {
  if (!content) return null;
  return h('section', {}, h('h3', {}, title), content);
}

function listOf(items, make) {
  return items.length > 0 && [h('ul', { class: 'facts' }, items.map((item) => h('li', {}, make(item))))];
}

function texts(all) {
  return all.length === 0 ? null : h('ul', { class: 'texts' }, all.map((text) => h('li', {}, text)));
}

function memberOf(one) {
  const fact = (name, value) => (value === null || value === undefined ? [] : [h('dt', {}, name), h('dd', {}, value)]);
  return h('section', { class: 'who' },
    h('p', { class: `state state-${one.state}` }, icon(one.state), h('b', {}, one.state), ` – ${MEANING[one.state] ?? ''}`),
    h('dl', {},
      fact('address', one.address), fact('swarm node', one.node_name), fact(one.node_name ? 'its id' : 'swarm node', one.node), fact('task', one.task),
      fact('so since', one.state_since && clockTime(one.state_since)), fact('witnesses want it', one.standing), fact('held', one.held)),
    h('h3', {}, 'Who says what'),
    one.sightings.length === 0 ? h('p', { class: 'quiet' }, 'No witness names it.') : h('table', { class: 'says' },
      h('thead', {}, h('tr', {}, ['Witness', 'Says', 'Since (UTC)', 'Said'].map((title) => h('th', { scope: 'col' }, title)))),
      h('tbody', {}, one.sightings.map((sighting) => h('tr', {},
        h('th', { scope: 'row' }, sighting.witness),
        h('td', {}, sighting.presence),
        h('td', {}, clockTime(sighting.since)),
        h('td', { class: 'said' }))))),
    h('h3', {}, 'What its database says'),
    one.view ? viewOf(one.view) : h('p', { class: one.unanswered ? 'bad-text' : 'quiet' }, one.unanswered ?? 'It was not asked.'));
}

function replicationOf(said) {
  const fact = (name, value) => (value ? [h('dt', {}, name), h('dd', {}, value)] : []);
  if (!said) return [];
  const { position, acknowledges, source } = said;
  return [
    fact('has', position), fact('acknowledgements', acknowledges), fact('has received', source?.received),
    fact('behind', source && source.behind_seconds !== null ? `${source.behind_seconds} s` : null), fact('its error', source?.error),
  ];
}

function viewOf(view) {
  const fact = (name, value) => (value === null ? [] : [h('dt', {}, name), h('dd', {}, value)]);
  return h('div', {},
    h('dl', {},
      fact('its id', view.node), fact('cluster', view.cluster_name), fact('role', view.role), fact('counts', String(view.size)),
      fact('since', view.role_since ? clockTime(view.role_since) : null), fact('follows', view.follows), replicationOf(view.replication),
      view.figures.flatMap((one) => fact(one.what, one.words)), fact('refuses writes', view.refuses_writes),
      fact('at work', view.working)),
    h('details', { 'data-keep': `peers ${view.node}`, open: view.peers.length <= 12 },
      h('summary', {}, `it knows ${view.peers.length} nodes, ${view.peers.filter((one) => !one.alive).length} of them gone`),
      h('table', {},
        h('thead', {}, h('tr', {}, ['Node', 'Address', 'Is'].map((title) => h('th', { scope: 'col' }, title)))),
        h('tbody', {}, view.peers.map((one) => h('tr', {},
          h('th', { scope: 'row' }, h('code', {}, one.node)),
          h('td', {}, one.address ?? 'not known'),
          h('td', {}, one.alive ? '✓ alive' : h('span', { class: 'bad-text' }, '× gone'))))))));
}
