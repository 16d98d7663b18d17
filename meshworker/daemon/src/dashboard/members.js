// The table of members: the picture in words, and the way to the evidence.

import { age } from './clock.js';
import { h, mark, reconcile, redraw, say } from './dom.js';
import { MEANING, byUrgency, icon, remaining } from './states.js';

const PRESENCE = [
  ['present', '✓', 'good'],
  ['spare', '✓', 'good'],
  ['leaving', '→', 'warn'],
  ['absent', '×', 'bad'],
];

/// So many seconds a name server may leave somebody out who is there.
const NEW = 60;

/// An empty table, named for screen readers.
export function table(cluster) {
  return h('div', { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': `Members of ${cluster}` },
    h('table', { class: 'members' },
      h('thead', {}, h('tr', {},
        ['Member', 'State', 'Witnesses', 'Its database'].map((title) => h('th', { scope: 'col' }, title)))),
      h('tbody', {})));
}

/// Shows these members; a member that is not at rest stands first.
export function update(element, members, leavers, only, choose) {
  const shown = members.filter((one) => !only || one.state === only).sort(byUrgency);
  reconcile(element.querySelector('tbody'), shown, (one) => `${one.id} ${one.address}`,
    (one) => row(one, choose),
    (child, one) => {
      mark(child, 'data-state', one.state);
      const [where, state, witnesses, database] = [...child.children].map((cell) => cell.lastElementChild ?? cell);
      say(where, [one.address, one.node_name ?? one.node].filter(Boolean).join(' · '));
      const leaver = leavers.find((other) => other.member === one.id && other.address === one.address);
      redraw(state, [one.state, one.held, leaver], () => stateOf(one, leaver));
      redraw(witnesses, one.sightings.map((other) => [other.witness, other.presence, isEarly(other)]), () => sightings(one));
      redraw(database, [one.view?.role, one.view?.size, one.view?.working, one.view && holds(one.view), one.view?.refuses_writes, one.unanswered], () => databaseOf(one));
    });
}

function row(member, choose) {
  return h('tr', { 'data-member': member.id, 'data-address': member.address },
    h('th', { scope: 'row' },
      h('button', {
        type: 'button',
        class: 'plain',
        'data-focus': `member ${member.id} ${member.address}`,
        click: () => choose(member.id),
      }, member.id),
      h('span', { class: 'where' })),
    h('td', {}, h('div')),
    h('td', {}, h('div', { class: 'chips' })),
    h('td', {}, h('div')));
}

function stateOf(member, leaver) {
  return [
    h('span', { class: `state state-${member.state}`, title: MEANING[member.state] }, icon(member.state), member.state),
    leaver && h('span', { class: 'where' }, remaining(leaver)),
    member.held !== null && h('span', { class: 'where' }, `held: ${member.held}`),
  ];
}

/// A name server lists nobody before his health check has passed.
function isEarly(sighting) {
  return sighting.witness === 'dns' && sighting.presence === 'absent' && age(Date.parse(sighting.since)) < NEW;
}

function sightings(member) {
  if (member.sightings.length === 0) return [h('span', { class: 'quiet' }, 'nobody names it')];
  return member.sightings.map((one) => {
    const [, symbol, tone] = isEarly(one) ? [0, '…', 'unsure'] : PRESENCE.find(([name]) => one.presence === name) ?? [0, '?', 'unsure'];
    return h('span', { class: `chip ${tone}`, title: `${one.witness}: ${one.presence}` },
      h('span', { 'aria-hidden': 'true' }, `${symbol} `), one.witness,
      h('span', { class: 'hidden' }, `: ${one.presence}`));
  });
}

/// What it has, in its database's terms, in a line.
function holds(view) {
  return [view.follows && `of ${view.follows}`, ...view.figures.map((one) => one.words)].filter(Boolean).join(', ');
}

function databaseOf(member) {
  if (member.view) {
    return [
      h('span', {}, [member.view.role, `counts ${member.view.size}`].filter(Boolean).join(', ')),
      h('span', { class: 'where' }, holds(member.view)),
      member.view.refuses_writes && h('span', { class: 'bad-text' }, `refuses writes: ${member.view.refuses_writes}`),
      member.view.working && h('span', { class: 'where' }, member.view.working),
    ];
  }
  if (member.unanswered) return [h('span', { class: 'bad-text' }, member.unanswered)];
  return [h('span', { class: 'quiet' }, 'not asked')];
}
