// What a member is doing: by shape, by colour and in words.

import { s } from './dom.js';

/// The states, what is wrong first. The words are the API's.
export const STATES = ['silent', 'refused', 'unknown', 'waiting', 'joining', 'leaving', 'released', 'joined', 'spare'];

export const MEANING = {
  joined: 'in the cluster',
  joining: 'answers, and is not in the cluster yet',
  silent: 'wanted, and does not answer',
  waiting: 'starts once the member that had its slot before has stopped',
  spare: 'volunteers; its database is not started until it is nominated',
  leaving: 'meant to go; waits, or hands over its data',
  released: 'was told that it may stop',
  refused: 'answers, and is not taken in: a refusal says why',
  unknown: 'no witness wants it',
};

/// Drawn in a square of 16 around 0,0. No two have the same outline.
const SHAPES = {
  joined: [['circle', { r: 6, class: 'full' }]],
  joining: [
    ['circle', { r: 6, class: 'hollow' }],
    ['path', { d: 'M0-3V3M-3 0H3', class: 'sign' }],
  ],
  silent: [
    ['rect', { x: -6, y: -6, width: 12, height: 12, rx: 1.5, class: 'full' }],
    ['path', { d: 'M-3-3 3 3M3-3-3 3', class: 'cut' }],
  ],
  waiting: [['path', { d: 'M-5-6H5L-5 6H5z', class: 'hollow' }]],
  spare: [
    ['circle', { r: 6, class: 'hollow' }],
    ['circle', { r: 2, class: 'full' }],
  ],
  leaving: [['path', { d: 'M-5-6 6 0-5 6z', class: 'full' }]],
  released: [
    ['path', { d: 'M-4.5-5.5 5.5 0-4.5 5.5z', class: 'hollow' }],
  ],
  refused: [
    ['path', { d: 'M-3-7H3L7-3V3L3 7H-3L-7 3V-3z', class: 'full' }],
    ['path', { d: 'M-4 0H4', class: 'cut' }],
  ],
  unknown: [
    ['path', { d: 'M0-7 7 0 0 7-7 0z', class: 'hollow' }],
    ['circle', { r: 1.5, class: 'full' }],
  ],
};

/// The state's sign, as a part of a picture.
export function sign(state, attributes = {}) {
  const shapes = SHAPES[state] ?? SHAPES.unknown;
  const known = SHAPES[state] ? state : 'unknown';
  return s('g', { ...attributes, class: `sign-${known} ${attributes.class ?? ''}`.trim() },
    shapes.map(([tag, shape]) => s(tag, shape)));
}

/// The state's sign in a line of text; the word stands beside it.
export function icon(state) {
  return s('svg', { class: 'icon', viewBox: '-8 -8 16 16', width: 14, height: 14, 'aria-hidden': 'true' },
    sign(state));
}

/// 2 before 10, and services together.
const order = new Intl.Collator('en', { numeric: true });
export const byName = (one, other) => order.compare(one, other);

/// Sorts members: what is not at rest first, then by name.
export function byUrgency(one, other) {
  return STATES.indexOf(one.state) - STATES.indexOf(other.state)
    || byName(one.id, other.id) || byName(one.address, other.address);
}

/// How far a leaver is, in words.
export function remaining(leaver) {
  if (leaver.released) return 'may stop';
  if (leaver.left === null) return leaver.waits_for ?? 'leaving';
  return `${leaver.left.toLocaleString('en')} ${leaver.unit ?? ''} left`;
}
