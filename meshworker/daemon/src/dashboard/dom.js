// Elements by DOM calls. Every text goes in as text: names and databases' words
// come from outside, and are never markup.

const SVG = 'http://www.w3.org/2000/svg';

/// Children as they may be given: nested, and with nothing in some places.
function real(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...real(children));
  return element;
}

/// An element: attributes, listeners (functions, by the event's name), children
/// (elements, or strings that become texts).
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/// The same for SVG.
export function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/// Sets a text, where it is another one: screen readers tell every change.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/// Sets or removes an attribute.
export function mark(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

const shown = new WeakMap();

/// Draws `make(data)` into an element, where the data is not what it shows already.
export function redraw(element, data, make) {
  const now = JSON.stringify(data);
  if (shown.get(element) === now) return;
  shown.set(element, now);
  const open = opened(element);
  keepingFocus(() => element.replaceChildren(...real([make(data)])));
  for (const [name, details] of foldable(element)) if (open.has(name)) details.open = open.get(name);
}

/// What a reader folds out stays so.
const foldable = (element) => [...element.querySelectorAll('details[data-keep]')].map((one) => [one.dataset.keep, one]);
const opened = (element) => new Map(foldable(element).map(([name, details]) => [name, details.open]));

const rows = new WeakMap();

/// Makes an element's children those of `items`, in their order: each child
/// stays the same element for as long as its key is there.
export function reconcile(parent, items, key, make, update) {
  const old = rows.get(parent) ?? new Map();
  const now = new Map();
  for (const item of items) {
    const child = old.get(key(item)) ?? make(item);
    update?.(child, item);
    now.set(key(item), child);
  }
  keepingFocus(() => {
    for (const [name, child] of old) if (!now.has(name)) child.remove();
    let next = null;
    for (const child of [...now.values()].reverse()) {
      if (child.parentNode !== parent || child.nextSibling !== next) parent.insertBefore(child, next);
      next = child;
    }
  });
  rows.set(parent, now);
}

/// An element that moves loses the focus, and its successor never had it.
function keepingFocus(change) {
  const before = document.activeElement;
  const name = before?.dataset?.focus;
  change();
  if (!before || before === document.body || document.activeElement === before) return;
  const successor = before.isConnected
    ? before
    : name && document.querySelector(`[data-focus="${CSS.escape(name)}"]`);
  successor?.focus({ preventScroll: true });
}
