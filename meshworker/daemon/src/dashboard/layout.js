// Where things go in the picture: swarm nodes as boxes in two columns, members in
// them, and room for the links between the columns.
//
//   ┌ node-1 ─────┐              ┌ node-2 ─────┐
//   │   redis.1 ● │~~~~~~~~~~~~~~│ ● redis.2   │
//   │   redis.4 ● │~~~~~\        └─────────────┘
//   └─────────────┘      \~~~~~~~┌ node-3 ─────┐

import { byName } from './states.js';

/// Up to so many members each has a line of its own, and each link is drawn.
export const IN_DETAIL = 30;

const TITLE = 28;
const GAP = 12;
const CELL = 18;
/// Where members are whose swarm node nobody knows: in no box, since a box is a node.
const NOWHERE = '';

/// Boxes with members: { title, members: [{ index, x, y }], x, y, width, height,
/// right, port } and the picture's height. `indexes` says which members, by
/// their place in `members`.
export function layout(members, width) {
  const detail = members.length <= IN_DETAIL;
  const share = Math.round(width * (detail ? 0.35 : 0.4));
  const boxWidth = Math.max(108, detail ? Math.min(share, 230) : share);
  const row = members.length <= 14 ? 34 : 23;
  const across = Math.max(1, Math.floor((boxWidth - 16) / CELL));
  const inside = (count) => (detail ? count * row : Math.ceil(count / across) * CELL);
  const boxes = groups(members, detail).map(([title, indexes]) => ({
    title,
    indexes,
    width: boxWidth,
    height: TITLE + inside(indexes.length) + 8,
  }));
  const height = place(boxes, width);
  for (const box of boxes) {
    box.port = { x: box.right ? box.x : box.x + boxWidth, y: box.y + box.height / 2 };
    box.members = box.indexes.map((index, nth) => {
      if (!detail) {
        return {
          index,
          x: box.x + 8 + CELL / 2 + (nth % across) * CELL,
          y: box.y + TITLE + CELL / 2 + Math.floor(nth / across) * CELL,
        };
      }
      return {
        index,
        x: box.right ? box.x + 16 : box.x + boxWidth - 16,
        y: box.y + TITLE + row / 2 + nth * row,
      };
    });
  }
  return { boxes, height, detail, row, width };
}

/// Members by swarm node, in the order of names.
function groups(members, detail) {
  const found = new Map();
  members.forEach((member, index) => {
    // Two nodes may have one name: their ids tell them apart.
    const { title, indexes } = found.get(member.node) ?? { title: member.node_name ?? member.node ?? NOWHERE, indexes: [] };
    found.set(member.node, { title, indexes: [...indexes, index] });
  });
  const sorted = [...found.values()].map(({ title, indexes }) => [title, indexes]).sort(([one], [other]) => byName(one, other));
  for (const [, indexes] of sorted) {
    indexes.sort((one, other) => byName(members[one].id, members[other].id));
  }
  // One box alone would leave no room for links; one large box says little.
  const most = sorted.length === 1 ? Math.ceil(members.length / 2) : Infinity;
  const unknown = detail ? most : Math.min(most, 60);
  return sorted.flatMap(([title, indexes]) => {
    const limit = title === NOWHERE ? unknown : most;
    if (indexes.length <= limit) return [[title, indexes]];
    const parts = [];
    for (let begin = 0; begin < indexes.length; begin += limit) {
      const again = begin > 0 && title !== NOWHERE ? ', continued' : '';
      parts.push([title + again, indexes.slice(begin, begin + limit)]);
    }
    return parts;
  });
}

/// Gives each box its place in the shorter column; returns the height of all.
function place(boxes, width) {
  const ends = [1, 1];
  for (const box of boxes) {
    const column = ends[1] < ends[0] ? 1 : 0;
    box.right = column === 1;
    box.x = box.right ? width - box.width - 1 : 1;
    box.y = ends[column];
    ends[column] += box.height + GAP;
  }
  const height = Math.max(...ends) - GAP + 1;
  // The shorter column hangs in the middle.
  for (const column of [0, 1]) {
    const shift = Math.max(0, (height - (ends[column] - GAP + 1)) / 2);
    for (const box of boxes) if (box.right === (column === 1)) box.y += shift;
  }
  return Math.max(height, 40);
}
