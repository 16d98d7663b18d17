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

/// What the worker answers to this path. Throws a Problem where it answers that
/// something is wrong, and any other error where it does not answer.
export async function ask(path, patience = LONG_MS) {
  const response = await fetch(path, {
    cache: 'no-store',
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(patience),
  });
  setClock(response);
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Problem(response.status, body?.error ?? `status ${response.status}`);
  if (body === null) throw new Problem(response.status, 'the answer is no JSON');
  return body;
}

const name = encodeURIComponent;

export const clusters = () => ask('v1/clusters', PATIENCE_MS);
export const cluster = (one) => ask(`v1/clusters/${name(one)}`);
export const config = (one) => ask(`v1/clusters/${name(one)}/config`);
export const why = (one, member) => ask(`v1/clusters/${name(one)}/members/${name(member)}`);
export const events = (after, limit) => ask(`v1/events?after=${after}&limit=${limit}`, PATIENCE_MS);
export const memberEvents = (one, member) =>
  ask(`v1/events?cluster=${name(one)}&member=${name(member)}&limit=100`);
export const stream = (after) => new EventSource(`v1/events/stream?after=${after}`);
