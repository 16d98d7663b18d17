// Who copies from whom: a tree, the primary first, with how far each is and what is wrong.

import { clockTime } from './clock.js';
import { h, redraw } from './dom.js';
import { icon } from './states.js';

/// Draws the tree, where anybody copies from anybody.
export function drawTopology(element, { name, members, plan }, choose) {
  const trees = members.some((one) => one.view?.follows) ? rooted(members) : [];
  const troubles = (id) => plan.refusals.filter((one) => one.members.includes(id)).map((one) => `${one.what}: ${one.reason}`);
  const data = trees.map(function shown({ member, below }) {
    const { id, address, state, held, unanswered, view } = member;
    return { id, address, state, held, unanswered, view: view && told(view), troubles: troubles(id), below: below.map(shown) };
  });
  redraw(element, data, () => data.length > 0 && [
    h('h3', {}, 'Topology'),
    h('ul', { class: 'tree', 'aria-label': `Who copies from whom in ${name}` }, data.map((one) => branch(one, choose))),
  ]);
}

/// What is shown of a view.
function told({ role, primary, term, role_since: since, working, refuses_writes: refuses, replication }) {
  const source = replication?.source;
  const words = [
    replication && (replication.position ? `has ${replication.position}` : 'has nothing'),
    source?.received && source.received !== replication.position && `has received ${source.received}`,
    source && source.behind_seconds !== null && `${source.behind_seconds} s behind`,
    replication?.acknowledges,
    since && `since ${clockTime(since)} UTC`,
  ].filter(Boolean);
  const wrong = [
    source && !source.connected && 'not connected', source && !source.applies && 'does not apply',
    source?.error, working, refuses && `refuses writes: ${refuses}`,
  ].filter(Boolean);
  return { role: [role, term !== undefined && term !== null && `term ${term}`].filter(Boolean).join(', '), primary, words, wrong };
}

/// Those who follow no member, the primary first; below each those who follow it. Those who
/// follow each other in a circle are below nobody.
function rooted(members) {
  const leader = (one) => members.find((other) => other.id === one.view?.follows && other !== one);
  const primary = (one) => (one.view?.primary ? 0 : 1);
  const seen = new Set();
  const grow = (member) => {
    seen.add(member);
    return { member, below: members.filter((one) => leader(one) === member && !seen.has(one)).map(grow) };
  };
  const roots = members.filter((one) => !leader(one)).sort((one, other) => primary(one) - primary(other));
  const trees = roots.map(grow);
  for (const one of members) if (!seen.has(one)) trees.push(grow(one));
  return trees;
}

function branch({ id, address, state, held, unanswered, view, troubles, below }, choose) {
  const wrong = [...(view?.wrong ?? []), unanswered && `no answer: ${unanswered}`, held !== null && `held: ${held}`, ...troubles];
  return h('li', { 'data-node': id },
    h('div', { class: `leaf${view?.primary ? ' leaf-primary' : ''}` },
      h('p', {},
        h('span', { class: `state state-${state}` }, icon(state), h('span', { class: 'hidden' }, `${state}: `)),
        h('button', { type: 'button', class: 'plain', 'data-focus': `tree ${id} ${address}`, click: () => choose(id) }, id),
        view?.role && h('b', { class: 'role' }, ` ${view.role}`)),
      view?.words.length > 0 && h('p', { class: 'where' }, view.words.join(' · ')),
      wrong.filter(Boolean).map((text) => h('p', { class: 'bad-text' }, text))),
    below.length > 0 && h('ul', {}, below.map((one) => branch(one, choose))));
}
