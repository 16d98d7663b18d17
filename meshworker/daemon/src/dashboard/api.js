// Questions to the worker.

import { setClock } from './clock.js';

/// The shortest answers do not take this long, unless the line or the worker is gone.
const PATIENCE_MS = 8000;
/// A large cluster's status has megabytes, and lines are slow.
const LONG_MS = 60000;

/// A question that was answered, but not as hoped.
export class Problem extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/// Where this tab keeps the token, if reading needs one here. It goes with the tab.
const KEPT = 'meshworker-token';
/// Whoever wants to know that a token is missing, or is another one.
let refused = () => {};

/// Has this called whenever the worker wants a token that we do not have.
export function onRefused(act) {
  refused = act;
}

/// Comes with this token from now on.
export function useToken(token) {
  sessionStorage.setItem(KEPT, token);
}

/// What every question comes with.
function headers(accept) {
  const token = sessionStorage.getItem(KEPT);
  return token ? { accept, authorization: `Bearer ${token}` } : { accept };
}

/// What the worker answers to this path. Throws a Problem where it answers that
/// something is wrong, and any other error where it does not answer.
export async function ask(path, patience = LONG_MS) {
  const response = await fetch(path, {
    cache: 'no-store',
    headers: headers('application/json'),
    signal: AbortSignal.timeout(patience),
  });
  setClock(response);
  const body = await response.json().catch(() => null);
  if (response.status === 401) refused(sessionStorage.getItem(KEPT) !== null);
  if (!response.ok) throw new Problem(response.status, body?.error ?? `status ${response.status}`);
  if (body === null) throw new Problem(response.status, 'the answer is no JSON');
  return body;
}

const name = encodeURIComponent;

export const clusters = () => ask('v1/clusters', PATIENCE_MS);
export const group = () => ask('v1/group', PATIENCE_MS);
export const cluster = (one) => ask(`v1/clusters/${name(one)}`);
export const config = (one) => ask(`v1/clusters/${name(one)}/config`);
export const why = (one, member) => ask(`v1/clusters/${name(one)}/members/${name(member)}`);
export const events = (after, limit) => ask(`v1/events?after=${after}&limit=${limit}`, PATIENCE_MS);
export const memberEvents = (one, member) =>
  ask(`v1/events?cluster=${name(one)}&member=${name(member)}&limit=100`);

/// What happens after this event, as it happens. `on` has: open(), message(kind,
/// data), error(). Returns what ends it. A browser's own reader of such streams
/// cannot come with a token.
export function stream(after, on) {
  const end = new AbortController();
  follow(`v1/events/stream?after=${after}`, end.signal, on).catch(() => {}).then(() => {
    if (!end.signal.aborted) on.error();
  });
  return () => end.abort();
}

async function follow(path, signal, on) {
  const response = await fetch(path, { cache: 'no-store', headers: headers('text/event-stream'), signal });
  if (response.status === 401) refused(sessionStorage.getItem(KEPT) !== null);
  if (!response.ok) return;
  on.open();
  const lines = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let [rest, kind, data] = ['', 'message', []];
  for (;;) {
    const { done, value } = await lines.read();
    if (done) return;
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    for (const line of parts) {
      if (line === '') {
        if (data.length > 0) on.message(kind, data.join('\n'));
        [kind, data] = ['message', []];
      } else if (line.startsWith('event: ')) kind = line.slice(7);
      else if (line.startsWith('data: ')) data.push(line.slice(6));
    }
  }
}
