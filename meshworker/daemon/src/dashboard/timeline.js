// What happened, newest first.

import { clockTime } from './clock.js';
import { h, reconcile, say } from './dom.js';

/// So many events are kept and shown: some minutes of a large cluster's trouble,
/// and no browser tires of them.
const MOST = 500;

const KINDS = ['witness', 'member', 'done', 'failed', 'refused', 'lifted', 'leave', 'unity', 'order'];

export class Timeline {
  #events = [];
  #choose;
  #list = document.getElementById('events');
  #kind = document.getElementById('filter-kind');
  #member = document.getElementById('filter-member');
  #warnings = document.getElementById('filter-warnings');

  constructor(choose) {
    this.#choose = choose;
    this.#kind.append(...KINDS.map((kind) => h('option', { value: kind }, kind)));
    for (const input of [this.#kind, this.#member, this.#warnings]) {
      input.addEventListener('input', () => this.#draw());
    }
  }

  /// Adds events, which are newer than all before.
  add(events) {
    this.#events = [...events.toReversed(), ...this.#events].slice(0, MOST);
    this.#draw();
  }

  /// The worker started anew and counts from 1 again.
  clear() {
    this.#events = [];
    this.#draw();
  }

  #draw() {
    const wanted = this.#member.value.trim().toLowerCase();
    const shown = this.#events.filter((event) =>
      (!this.#kind.value || event.kind === this.#kind.value)
      && (!this.#warnings.checked || event.severity === 'warning')
      && (!wanted || (event.member ?? '').toLowerCase().includes(wanted)));
    const several = new Set(this.#events.map((event) => event.cluster)).size > 1;
    reconcile(this.#list, shown, (event) => `${event.id} ${event.time} ${several}`,
      (event) => line(event, this.#choose, several));
    const all = this.#events.length;
    say(document.getElementById('timeline-count'),
      all === 0 ? 'nothing yet' : shown.length === all ? `${all} events` : `${shown.length} of ${all} events`);
  }
}

/// One event. Where a choice is given, the member's name leads to its evidence.
export function line(event, choose, withCluster) {
  const warning = event.severity === 'warning';
  return h('li', {
    class: `event kind-${KINDS.includes(event.kind) ? event.kind : 'other'} ${warning ? 'warning' : ''}`,
    'data-event': choose ? event.id : null,
  },
  h('div', { class: 'event-head' },
    h('time', { datetime: event.time, title: event.time }, clockTime(event.time)),
    h('span', { class: 'kind' }, warning ? h('span', { class: 'flag' }, '▲ warning ') : null, event.kind),
    withCluster ? h('span', { class: 'quiet' }, event.cluster) : null,
    event.member && choose ? h('button', {
      type: 'button',
      class: 'plain small',
      'data-focus': `event ${event.id}`,
      click: () => choose(event.cluster, event.member),
    }, event.member) : null),
  h('p', { class: 'event-text' }, event.text),
  event.evidence.length === 0 ? null : h('details', { 'data-keep': `event ${event.id}` },
    h('summary', {}, `evidence · ${event.evidence.length}`),
    h('ul', {}, event.evidence.map((text) => h('li', {}, text)))));
}
