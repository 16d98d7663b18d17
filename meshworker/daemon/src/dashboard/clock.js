// The worker's clock, as far as its answers tell it, and ages that go on by
// themselves: an operator's laptop may be minutes off.

import { say } from './dom.js';

/// By how much the worker's clock is ahead, in milliseconds. An answer's `Date`
/// is cut to whole seconds, so the largest difference is the nearest.
let ahead = null;

/// Takes the time from an answer.
export function setClock(response) {
  const date = Date.parse(response.headers.get('date') ?? '');
  if (Number.isNaN(date)) return;
  const difference = date - Date.now();
  // Another clock, not another rounding.
  if (ahead === null || difference > ahead || difference < ahead - 3000) ahead = difference;
}

/// The worker's time, in milliseconds.
export function now() {
  return Date.now() + (ahead ?? 0);
}

/// How long ago that was, in seconds.
export function age(time) {
  return Math.max(0, (now() - time) / 1000);
}

/// A duration for people.
export function lasting(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

/// A time of day in UTC, as the commands and the log have it; with its day, where that is
/// not today.
export function clockTime(time) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return '?';
  const [day, clock] = [date.toISOString().slice(0, 10), date.toISOString().slice(11, 19)];
  return day === new Date(now()).toISOString().slice(0, 10) ? clock : `${day.slice(5)} ${clock}`;
}

/// Makes an element show how long ago a moment is, from now on.
export function showAge(element, time) {
  element.dataset.at = String(time);
  tick(element);
}

function tick(element) {
  const text = `${lasting(age(Number(element.dataset.at)))} ago`;
  // Tenths do not go on: a number that flickers tells nothing.
  say(element, text.replace(/\.\d s/, ' s'));
}

/// Lets all ages go on.
export function tickAll() {
  for (const element of document.querySelectorAll('[data-at]')) tick(element);
}
