// The line to the worker: one stream of what happens, and a question for each
// thing that changed. While the stream is broken, questions every two seconds.
//
//   start ──> live <──────> polling ──> lost
//               ^  stream      │ nobody answers
//               └──────────────┘ the stream opens again

import * as api from './api.js';

const POLL_MS = 2000;
/// How often the list of clusters is asked for while the stream is quiet: a line
/// that died without a word is noticed.
const PULSE_MS = 5000;
/// The shortest pause between two questions for one cluster.
const GAP_MS = 200;
/// The stream is tried again after these pauses.
const RETRY_MS = [500, 1000, 2000, 4000, 8000];
/// How many events are asked for at once.
const EVENTS = 500;

export class Live {
  #on;
  #source = null;
  #newest = 0;
  #tries = 0;
  #rounds = 0;
  #last = Promise.resolve();
  #answered = null;
  #line = 'starting';
  #waiting = new Map();
  /// The workers' group, which numbers events alike at all of them.
  #group = null;

  /// `on` has: clusters(list), group(status), cluster(name, status or null, error or null),
  /// facts(list), restarted(), line(name, when it answered last).
  constructor(on) {
    this.#on = on;
  }

  /// Begins, and goes on for as long as the page is open.
  async start() {
    await this.#all();
    this.#open();
    setInterval(() => this.#line !== 'live' && this.#rounds === 0 && this.#all(), POLL_MS);
    setInterval(() => this.#line === 'live' && this.#list(), PULSE_MS);
  }

  /// Asks for everything at once, and opens the stream: there is a token now.
  again() {
    this.#tries = 0;
    this.#broken();
  }

  #tell(line) {
    this.#line = line;
    this.#on.line(line, this.#answered);
  }

  /// Asks; that nobody answers is known afterwards.
  async #ask(question) {
    try {
      const answer = await question();
      this.#heard();
      return answer;
    } catch (error) {
      if (error instanceof api.Problem) this.#heard();
      else if (this.#line === 'live') this.#broken();
      else this.#tell('lost');
      throw error;
    }
  }

  #heard() {
    this.#answered = Date.now();
    if (this.#line === 'lost') this.#tell('polling');
  }

  /// Asks for everything, after what is being asked already.
  #all() {
    this.#rounds += 1;
    this.#last = this.#last.then(() => this.#everything()).finally(() => { this.#rounds -= 1; });
    return this.#last;
  }

  /// Errors are told by the line's state.
  async #everything() {
    try {
      await this.#history();
      const list = await this.#list();
      await Promise.all(list.map((one) => this.refresh(one.name)));
    } catch {
      // Asked again soon.
    }
  }

  async #list() {
    const list = await this.#ask(api.clusters).catch(() => null);
    if (list) this.#on.clusters(list);
    await this.#workers().catch(() => {});
    return list ?? [];
  }

  /// How the workers stand; the group that they are in.
  async #workers() {
    const status = await this.#ask(api.group);
    this.#group = status.group;
    this.#on.group(status);
    return status.group;
  }

  /// What happened since the last event that is known.
  async #history() {
    let found = await this.#ask(() => api.events(this.#newest, EVENTS));
    if (found.newest < this.#newest) {
      // Another worker of the same group is a moment behind.
      const known = this.#group;
      if (known !== null && await this.#workers() === known) return;
      // Its count began anew.
      this.#newest = 0;
      this.#on.restarted();
      found = await this.#ask(() => api.events(0, EVENTS));
    }
    this.#facts(found.events);
    this.#newest = Math.max(this.#newest, found.newest);
  }

  #facts(events) {
    const fresh = events.filter((event) => event.id > this.#newest);
    if (fresh.length === 0) return;
    this.#newest = fresh.at(-1).id;
    this.#on.facts(fresh);
  }

  /// Asks for one cluster, once for all that changed in the meantime.
  async refresh(name) {
    const state = this.#waiting.get(name) ?? { busy: false, again: false };
    this.#waiting.set(name, state);
    if (state.busy) {
      state.again = true;
      return;
    }
    state.busy = true;
    const begin = performance.now();
    try {
      this.#on.cluster(name, await this.#ask(() => api.cluster(name)), null);
    } catch (error) {
      if (error instanceof api.Problem) {
        this.#on.cluster(name, null, error.message);
        if (error.status === 404) this.#list();
      }
    }
    // A large cluster does not take all of the browser's time, or the worker's.
    const gap = Math.max(GAP_MS, 3 * (performance.now() - begin));
    setTimeout(() => {
      state.busy = false;
      if (state.again) {
        state.again = false;
        this.refresh(name);
      }
    }, gap);
  }

  #open() {
    const act = {
      fact: (event) => this.#facts([event]),
      cluster: (changed) => this.refresh(changed.cluster),
      missed: () => this.#all(),
    };
    this.#source = api.stream(this.#newest, {
      open: () => {
        this.#tries = 0;
        this.#answered = Date.now();
        this.#tell('live');
        // What changed before it opened.
        this.#all();
      },
      message: (kind, data) => {
        this.#heard();
        act[kind]?.(JSON.parse(data));
      },
      // It ended, or could not be opened.
      error: () => this.#broken(),
    });
  }

  /// The stream is gone: whether the worker is too, the next question shows.
  #broken() {
    this.#source?.();
    this.#source = null;
    if (this.#line !== 'lost') this.#tell('polling');
    const pause = RETRY_MS[Math.min(this.#tries, RETRY_MS.length - 1)];
    this.#tries += 1;
    setTimeout(() => this.#source ?? this.#open(), pause);
    this.#all();
  }
}
