// A cluster's picture. It is for eyes: the table of members beside it says the
// same in words, and is what keyboards and screen readers use.

import { redraw, s } from './dom.js';
import { layout } from './layout.js';
import { remaining, sign } from './states.js';

/// Beyond so many boxes only the links that are not as they should be are drawn.
const MOST_BOXES = 24;

/// Draws members, who of them see each other, and how far leavers are.
export function draw(element, { members, pairs, leavers, choose }) {
  const width = Math.max(280, Math.floor(element.clientWidth));
  const wrong = pairs.filter(([, , how]) => how !== 'both');
  const data = {
    width,
    members: members.map((one) => [one.id, one.address, one.node_name ?? one.node, one.state, one.held !== null]),
    all: pairs.length - wrong.length,
    wrong,
    leavers: leavers.map((one) => [one.member, one.address, one.left, one.share, one.released]),
  };
  redraw(element, data, () => picture(layout(members, width), { members, pairs, leavers, choose }));
}

function picture(plan, { members, pairs, leavers, choose }) {
  plan.names = shortNames(members);
  const svg = s('svg', {
    class: 'picture',
    viewBox: `0 0 ${plan.width} ${plan.height}`,
    width: plan.width,
    height: plan.height,
    'aria-hidden': 'true',
  });
  svg.append(
    s('g', { class: 'boxes' }, plan.boxes.map(box)),
    s('g', { class: 'links' }, plan.detail ? links(plan, pairs) : bundles(plan, pairs)),
    s('g', { class: 'spots' }, plan.boxes.flatMap((one) => one.members.map((spot) =>
      spotOf(plan, one, spot, members[spot.index], leavers, choose)))),
  );
  return svg;
}

function box(one) {
  if (one.title === '') return null;
  const room = Math.floor((one.width - 20) / 7.4);
  const count = one.members.length > 1 ? ` · ${one.members.length}` : '';
  return s('g', { class: 'box' },
    s('title', {}, one.title),
    s('rect', { x: one.x, y: one.y, width: one.width, height: one.height, rx: 9 }),
    s('text', { x: one.x + 10, y: one.y + 18, class: 'box-title' },
      shorten(one.title, room - count.length) + count));
}

/// Members' names without the stack's, where that is the same for all.
function shortNames(members) {
  const stacks = members.filter((one) => one.id !== one.address).map((one) => one.id.split('_')[0]);
  const stack = `${stacks[0]}_`;
  const same = stacks.every((one) => one === stacks[0]);
  return members.map((one) => (same && one.id.startsWith(stack) ? one.id.slice(stack.length) : one.id));
}

function spotOf(plan, one, spot, member, leavers, choose) {
  const leaver = leavers.find((other) => other.member === member.id && other.address === member.address);
  const group = s('g', {
    class: `spot state-${member.state}`,
    transform: `translate(${spot.x} ${spot.y})`,
    click: () => choose(member.id),
  }, s('title', {}, `${member.id} at ${member.address}: ${member.state}${member.held === null ? '' : ', held'}`));
  if (!plan.detail) {
    group.append(s('rect', { x: -9, y: -9, width: 18, height: 18, class: 'touch' }), sign(member.state));
    return group;
  }
  const inwards = one.right ? 1 : -1;
  const room = one.width - 42;
  const lines = plan.row > 30;
  const anchor = one.right ? 'start' : 'end';
  const word = member.state + (member.held === null ? '' : ' · held');
  const short = plan.names[spot.index];
  const name = lines || member.state === 'joined' ? short : `${short} · ${member.state}`;
  group.append(
    s('rect', {
      x: one.right ? -12 : 12 - one.width + 8, y: -plan.row / 2 + 1,
      width: one.width - 8, height: plan.row - 2, rx: 6, class: 'touch',
    }),
    sign(member.state),
    s('text', { x: 14 * inwards, y: lines ? -2 : 4, 'text-anchor': anchor, class: 'name' },
      shorten(name, Math.floor(room / 6.9))),
  );
  if (!lines) return group;
  const said = leaver && leaver.left !== null ? remaining(leaver) : word;
  group.append(s('text', { x: 14 * inwards, y: 11, 'text-anchor': anchor, class: 'word' },
    cut(said, Math.floor(room / 6))));
  if (leaver?.share !== null && leaver?.share !== undefined) {
    const begin = one.right ? 14 : -14 - room;
    group.append(
      s('rect', { x: begin, y: 14, width: room, height: 2, class: 'track' }),
      s('rect', { x: begin, y: 14, width: Math.max(2, room * leaver.share), height: 2, class: 'bar' }),
    );
  }
  return group;
}

/// One line for each pair of members.
function links(plan, pairs) {
  const ends = [];
  for (const one of plan.boxes) {
    for (const spot of one.members) {
      ends[spot.index] = { x: one.right ? spot.x - 8 : spot.x + 8, y: spot.y, right: one.right };
    }
  }
  // What stands out lies on top.
  const sorted = [...pairs].sort(([, , one], [, , other]) => (one === 'both' ? -1 : other === 'both' ? 1 : 0));
  return sorted.map(([one, other, how]) =>
    s('path', { d: curve(plan, ends[one], ends[other]), class: `link link-${how}` }));
}

/// One line for each pair of boxes, with how many of its pairs are not as they
/// should be.
function bundles(plan, pairs) {
  const home = [];
  plan.boxes.forEach((one, index) => one.indexes.forEach((member) => { home[member] = index; }));
  const found = new Map();
  for (const [one, other, how] of pairs) {
    const [from, to] = [home[one], home[other]].sort((a, b) => a - b);
    if (from === to) continue;
    const key = `${from} ${to}`;
    const bundle = found.get(key) ?? { from, to, all: 0, wrong: 0 };
    bundle.all += 1;
    if (how !== 'both') bundle.wrong += 1;
    found.set(key, bundle);
  }
  const end = (index) => ({ ...plan.boxes[index].port, right: plan.boxes[index].right });
  return [...found.values()]
    .filter((one) => one.wrong > 0 || plan.boxes.length <= MOST_BOXES)
    .sort((one, other) => one.wrong - other.wrong)
    .map((one) => s('path', {
      d: curve(plan, end(one.from), end(one.to)),
      class: `link bundle ${one.wrong > 0 ? 'link-half' : 'link-both'}`,
    }, s('title', {}, `${one.wrong} of ${one.all} pairs do not see each other`)));
}

/// From one column to the other through the middle; within a column as a bow.
function curve(plan, one, other) {
  if (one.right !== other.right) {
    const middle = (one.x + other.x) / 2;
    return `M${one.x} ${one.y}C${middle} ${one.y} ${middle} ${other.y} ${other.x} ${other.y}`;
  }
  const room = plan.width * (plan.detail ? 0.13 : 0.09);
  const depth = Math.min(room, 14 + Math.abs(one.y - other.y) * 0.45) * (one.right ? -1 : 1);
  return `M${one.x} ${one.y}C${one.x + depth} ${one.y} ${other.x + depth} ${other.y} ${other.x} ${other.y}`;
}

/// Cuts out the middle: names differ at their ends.
function shorten(text, most) {
  if (text.length <= most) return text;
  if (most < 4) return text.slice(0, Math.max(1, most));
  const end = Math.ceil((most - 1) * 0.6);
  return `${text.slice(0, most - 1 - end)}…${text.slice(-end)}`;
}

/// Cuts off the end of a sentence.
function cut(text, most) {
  return text.length <= most ? text : `${text.slice(0, Math.max(1, most - 1))}…`;
}
