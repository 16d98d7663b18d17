// Who sees whom, by the members' own databases.

/// What one member's database says of another member.
export const NO_WORD = 0, MISSING = 1, DEAD = 2, ALIVE = 3;

/// Who is expected to be seen: a member that is not in the cluster yet, or is not
/// to be, is seen by nobody, and that is as it should be.
const EXPECTED = new Set(['joined', 'leaving', 'silent']);

/// A square of words: `at(a, b)` is what the member at index a says of b.
export class Sight {
  #words;

  constructor(members) {
    const count = members.length;
    this.members = members;
    this.#words = new Uint8Array(count * count);
    const byNode = new Map();
    const byAddress = new Map();
    members.forEach((member, index) => {
      byAddress.set(member.address, index);
      if (member.view) byNode.set(member.view.node, index);
    });
    members.forEach((member, index) => {
      if (!member.view) return;
      this.#words.fill(MISSING, index * count, (index + 1) * count);
      for (const peer of member.view.peers) {
        const other = byNode.get(peer.node) ?? byAddress.get(peer.address);
        if (other !== undefined) this.#words[index * count + other] = peer.alive ? ALIVE : DEAD;
      }
      this.#words[index * count + index] = ALIVE;
    });
  }

  at(one, other) {
    return this.#words[one * this.members.length + other];
  }

  /// How two members stand to each other: `both`, `half` (one sees the other, and
  /// not the other way), `lost` (one holds the other to be gone), `none` (neither
  /// knows the other), or null where nothing is to be shown.
  pair(one, other) {
    const there = this.at(one, other);
    const back = this.at(other, one);
    if (there === ALIVE && back === ALIVE) return 'both';
    if (there === NO_WORD && back === NO_WORD) return null;
    if (there === ALIVE || back === ALIVE) return 'half';
    if (there === DEAD || back === DEAD) return 'lost';
    const expected = EXPECTED.has(this.members[one].state) && EXPECTED.has(this.members[other].state);
    return expected ? 'none' : null;
  }

  /// All pairs that have something to show: [one, other, how].
  pairs() {
    const found = [];
    for (let one = 0; one < this.members.length; one += 1) {
      for (let other = one + 1; other < this.members.length; other += 1) {
        const how = this.pair(one, other);
        if (how) found.push([one, other, how]);
      }
    }
    return found;
  }

  /// What is not as it should be, in words: a sentence for each member that
  /// others miss, or that says nothing.
  complaints(pairs) {
    const name = (index) => this.members[index].id;
    const found = new Map();
    const note = (about, word, from) => {
      const key = `${about} ${word}`;
      found.set(key, [...(found.get(key) ?? []), from]);
    };
    for (const [one, other, how] of pairs) {
      if (how === 'both') continue;
      for (const [from, to] of [[one, other], [other, one]]) {
        const word = this.at(from, to);
        if (word === NO_WORD) note(from, NO_WORD, from);
        else if (word !== ALIVE) note(to, word, from);
      }
    }
    return [...found].map(([key, from]) => {
      const [about, word] = key.split(' ').map(Number);
      if (word === NO_WORD) return `${name(about)} does not say whom it sees.`;
      const held = word === DEAD ? 'held to be gone' : 'not known';
      return `${name(about)} is ${held} by ${list(from.map(name))}.`;
    });
  }
}

/// A few names, and how many more.
function list(names) {
  if (names.length <= 4) return names.join(', ');
  return `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}
