// One cluster: what it is, what the worker may do, who is in it, what is refused.

import { age, clockTime, lasting, showAge } from './clock.js';
import { h, mark, redraw, say } from './dom.js';
import * as members from './members.js';
import { draw } from './picture.js';
import { Sight } from './sight.js';
import { STATES, icon, remaining } from './states.js';
import { drawTopology } from './topology.js';

/// So many sentences about who does not see whom; the table has the rest.
const COMPLAINTS = 6;
/// So many refusals are shown at once.
const REFUSALS = 50;

export class Cluster {
  #status = null;
  #interval = 5;
  #only = null;
  /// The most that each leaver had left since this page was opened.
  #most = new Map();
  #choose;

  constructor(name, choose) {
    this.#choose = (member) => choose(name, member);
    const id = `cluster-${encodeURIComponent(name)}`;
    const part = (tag, name_, attributes) => (this[name_] = h(tag, { class: name_, ...attributes }));
    this.element = h('section', { class: 'cluster card', id, 'data-cluster': name, 'aria-labelledby': `${id}-name` },
      h('div', { class: 'head' },
        h('h2', { id: `${id}-name` }, name),
        part('span', 'engine'),
        part('p', 'pass')),
      h('p', { class: 'unity', role: 'status' },
        part('span', 'verdict', { 'aria-hidden': 'true' }),
        h('span', { class: 'unity-text' },
          part('span', 'unity', { class: 'said', 'data-unity': '' }),
          part('span', 'rest'))),
      part('div', 'banners'),
      part('div', 'witnesses', { class: 'chips witnesses' }),
      part('div', 'tally', { class: 'chips tally', role: 'group', 'aria-label': 'Members by state: press to show only these' }),
      h('figure', {}, part('div', 'picture', { class: 'canvas' }), part('figcaption', 'caption')),
      part('div', 'topology'),
      part('div', 'leaving'),
      part('div', 'refusals'),
      part('div', 'departed'),
      part('div', 'turned', { class: 'turned-away' }),
      h('h3', {}, 'Members'),
      (this.table = members.table(name)));
    new ResizeObserver(() => this.#drawPicture()).observe(this.picture);
  }

  /// How often the worker looks when nothing is open, in seconds.
  set interval(seconds) {
    this.#interval = seconds;
  }

  get status() {
    return this.#status;
  }

  /// Shows what a pass found; before the first one there is only a reason.
  show(status, error) {
    if (!status) {
      if (!this.#status) {
        mark(this.unity, 'data-one', false);
        say(this.unity, error ?? 'not looked at yet');
        this.#verdict(null);
      }
      return;
    }
    this.#status = status;
    say(this.engine, status.engine);
    say(this.unity, status.unity);
    mark(this.unity, 'data-one', String(status.one));
    mark(this.element, 'data-one', String(status.one));
    mark(this.element, 'data-pass', status.pass.number);
    this.#verdict(status.one, onItsWay(status));
    say(this.rest, status.one && !status.settled ? ' · not at rest' : '');
    this.#showPass(status);
    redraw(this.witnesses, status.witnesses, witnesses);
    this.#leavers(status.leavers);
    this.#drawTally();
    this.#drawPicture();
    drawTopology(this.topology, status, this.#choose);
    redraw(this.refusals, status.plan, (plan) => refusals(plan, status.mode.dry_run, this.#choose));
    redraw(this.departed, status.departed, departed);
    redraw(this.turned, status.turned_away ?? [], turnedAway);
    this.#drawTable();
    this.tick();
  }

  /// What changes by time alone.
  tick() {
    if (!this.#status) return;
    const { mode, pass } = this.#status;
    const seconds = age(Date.parse(pass.time));
    const late = seconds > this.#interval * 3 + 5;
    mark(this.element, 'data-late', late);
    const banners = [
      late && ['bad', `The last pass is older than it may be (more than ${lasting(this.#interval * 3 + 5)}): what stands here is the past.`],
      mode.held !== null && ['warn', `Held by an operator: ${mode.held}`],
      ...mode.drains.map((member) => ['warn', `Drain of ${member}, ordered by an operator; resume takes it back`]),
      ...(mode.succession ?? []).map((ordered) => ['warn', `Ordered by an operator: ${ordered}`]),
      mode.dry_run && ['warn', 'Dry run: the worker plans and shows, and does nothing.'],
      !mode.removals && ['warn', 'Removals are off: the worker makes nobody forget anybody.'],
    ].filter(Boolean);
    redraw(this.banners, banners, (all) => all.map(([tone, text]) => h('p', { class: `banner ${tone}` }, text)));
  }

  #verdict(one, coming = false) {
    const [tone, sign] = one === null ? ['unsure', '?'] : one ? ['good', '✓'] : coming ? ['coming', '…'] : ['bad', '!'];
    mark(this.verdict, 'class', `verdict ${tone}`);
    say(this.verdict, sign);
  }

  #showPass({ pass }) {
    const plural = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;
    redraw(this.pass, pass, () => [
      h('span', { class: 'number' }, `pass ${pass.number}`), ' · ',
      h('time', { class: 'age', datetime: pass.time }),
      ` · took ${Math.max(1, Math.round(pass.took_seconds * 1000))} ms · ${plural(pass.views, 'view')} · ${plural(pass.steps, 'step')} · ${pass.pace}`,
    ]);
    showAge(this.pass.querySelector('.age'), Date.parse(pass.time));
  }

  #leavers(leavers) {
    const key = (one) => `${one.member} ${one.address}`;
    const most = new Map();
    for (const one of leavers) {
      if (one.left !== null) most.set(key(one), Math.max(one.left, this.#most.get(key(one)) ?? 0));
      const all = most.get(key(one));
      one.share = one.released ? 1 : all ? 1 - one.left / all : null;
    }
    this.#most = most;
    redraw(this.leaving, leavers, (all) => leaving(all, this.#choose));
  }

  #drawTally() {
    const counts = STATES.map((state) => [state, this.#status.members.filter((one) => one.state === state).length]);
    const there = counts.filter(([state, count]) => count > 0 || state === this.#only).reverse();
    redraw(this.tally, [there, this.#only], () => there.map(([state, count]) => h('button', {
      type: 'button',
      class: `chip state state-${state}`,
      'aria-pressed': String(this.#only === state),
      'data-focus': `tally ${this.#status.name} ${state}`,
      click: () => {
        this.#only = this.#only === state ? null : state;
        this.#drawTally();
        this.#drawTable();
      },
    }, icon(state), `${count} ${state}`)));
  }

  #drawTable() {
    const { members: all, leavers } = this.#status;
    members.update(this.table, all, leavers, this.#only, this.#choose);
  }

  #drawPicture() {
    if (!this.#status || this.picture.clientWidth === 0) return;
    const { members: all, leavers } = this.#status;
    const sight = new Sight(all);
    const pairs = sight.pairs();
    draw(this.picture, { members: all, pairs, leavers, choose: this.#choose });
    const said = sight.complaints(pairs);
    redraw(this.caption, [said, pairs.length, all.length], () => caption(said, pairs.length));
  }
}

/// Whether members that are not one cluster are about to be: some come or go, or something
/// is done, and nobody is silent, refused or lost.
function onItsWay({ members: all, mode, plan, unity }) {
  const wrong = ['silent', 'refused', 'unknown'];
  const moves = ['joining', 'waiting', 'leaving', 'released'];
  const some = (states) => all.some((one) => states.includes(one.state));
  return !mode.dry_run && !some(wrong) && !unity.includes('LOST') && (some(moves) || plan.steps.length > 0);
}

function caption(said, pairs) {
  if (said.length === 0) {
    return pairs === 0 ? [] : [h('p', { class: 'quiet' }, pairs === 1
      ? 'The two that answer see each other alive.' : 'All that answer see each other alive.')];
  }
  const more = said.length - COMPLAINTS;
  return [
    h('ul', { class: 'complaints' }, said.slice(0, COMPLAINTS).map((text) => h('li', {}, text))),
    more > 0 && h('p', { class: 'quiet' }, `… and ${more} more like these: the evidence for each member has them all.`),
  ];
}

function witnesses(all) {
  return all.map((one) => {
    const of = one.desired === null ? '' : ` of ${one.desired}`;
    // Announcements prove presence and never absence: they are complete never.
    const unsure = !one.complete && one.witness !== 'announce';
    return h('span', { class: `chip ${unsure ? 'unsure' : 'good'}` },
      h('span', { 'aria-hidden': 'true' }, unsure ? '? ' : '✓ '),
      h('b', {}, one.witness), ` ${one.grade} · ${one.members}${of}${unsure ? ' · not complete' : ''}`);
  });
}

function turnedAway(all) {
  if (all.length === 0) return [];
  return [h('h3', {}, 'Not heard at the members\' port'), h('ul', { class: 'complaints' }, all.map((one) => h('li', {},
    h('b', {}, one.who), ` ${one.times} time${one.times === 1 ? '' : 's'} since ${clockTime(one.since)} UTC: ${one.why}`)))];
}

function leaving(all, choose) {
  if (all.length === 0) return [];
  return [h('h3', {}, 'Leaving'), h('ol', { class: 'leavers' }, all.map((one) => h('li', { value: one.place },
    h('button', {
      type: 'button', class: 'plain', 'data-focus': `leaver ${one.member}`, click: () => choose(one.member),
    }, one.member),
    h('span', { class: 'quiet' }, ` ${one.going}`),
    one.share === null ? null : h('progress', { max: 1, value: one.share, 'aria-label': `${one.member}: handed over` }),
    h('span', { class: 'left' }, ` ${remaining(one)}${estimate(one)}`),
    one.waits_for !== null && one.left !== null ? h('span', { class: 'quiet' }, ` ${one.waits_for}`) : null)))];
}

function estimate(leaver) {
  if (leaver.estimate_seconds === null || leaver.released) return '';
  return `, about ${lasting(Math.max(1, Math.round(leaver.estimate_seconds))).replace('.0', '')}`;
}

function refusals({ refusals: all, steps }, dry, choose) {
  const parts = [];
  if (steps.length > 0) {
    parts.push(h('h3', {}, dry ? 'Would be done' : 'Done in this pass'),
      h('ul', { class: 'steps' }, steps.slice(0, REFUSALS).map((one) => h('li', {},
        h('b', {}, one.kind), ' ', h('code', {}, one.request), ` at ${one.to}`,
        one.ok === false ? h('span', { class: 'bad-text' }, ` failed: ${one.reply ?? ''}`) : ''))));
  }
  if (all.length > 0) {
    parts.push(h('h3', {}, `Refused · ${all.length}`), h('ul', { class: 'refused' }, all.slice(0, REFUSALS).map((one) => h('li', {},
      h('b', {}, one.what), h('span', {}, ` ${one.reason} `), h('code', { class: 'quiet' }, one.kind), ' ',
      // A slot may be at two addresses: the old one's and its successor's.
      [...new Set(one.members)].slice(0, 6).flatMap((member) => [h('button', {
        type: 'button', class: 'plain small', 'data-focus': `refusal ${one.kind} ${member}`, click: () => choose(member),
      }, member), ' '])))));
  }
  return parts;
}

function departed(all) {
  if (all.length === 0) return [];
  return [h('h3', {}, 'Remembered, and gone'), h('ul', { class: 'chips' }, all.slice(0, REFUSALS).map((one) =>
    h('li', { class: 'chip gone', 'data-departed': one.node },
      h('span', { 'aria-hidden': 'true' }, '× '), h('code', {}, one.node.length > 14 ? `${one.node.slice(0, 12)}…` : one.node),
      ` ${one.address ?? 'address not known'}`)))];
}
