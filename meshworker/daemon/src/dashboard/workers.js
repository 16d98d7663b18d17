// The workers: who acts, who votes, who does not answer.

import { clockTime } from './clock.js';
import { h, mark, redraw } from './dom.js';

const name = (one) => (one.slot === null ? `store ${one.store}` : `worker ${one.slot}`)
  + (one.node === null || one.slot === null ? '' : ` on ${one.node}`);

/// What is so of one worker, and how that is to look.
function state(one, leader) {
  if (!one.answers) return ['bad', '!', 'does not answer'];
  if (one.leaving) return [null, '…', 'leaving'];
  if (one.store === leader) return ['good', '✓', 'acts'];
  return one.part === 'outside' ? [null, '…', 'waiting'] : ['good', '✓', 'answers'];
}

/// Draws it; of a worker that works alone there is nothing to say.
export function showWorkers(element, status) {
  element.hidden = status.group === null && status.acts;
  mark(element, 'data-acts', status.leader ?? '');
  // Numbers that grow at rest are no reason to draw.
  const { leader, since, why, other, unkept, unsound, members } = status;
  redraw(element, [leader, since, why, other, unkept, unsound, members.map(({ last, behind, ...one }) => one)], () => [
    h('p', { class: 'workers-line', role: 'status' }, ...headline(status)),
    other === null ? null : h('p', { class: 'banner bad' }, `Another group of workers is in sight, ${other}: an operator is needed.`),
    unkept === null ? null : h('p', { class: 'banner bad' }, `This worker keeps nothing: ${unkept}`),
    (unsound ?? null) === null ? null : h('p', { class: 'banner bad' }, `This worker takes no part: ${unsound}`),
    h('details', { 'data-keep': 'workers', open: members.some((one) => !one.answers) },
      h('summary', { 'data-focus': 'workers' }, `workers · ${members.length}`),
      h('div', { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': 'Table of workers' }, h('table', {},
        h('thead', {}, h('tr', {}, ['Worker', 'Address', 'Part', 'State'].map((one) => h('th', { scope: 'col' }, one)))),
        h('tbody', {}, members.map((one) => row(one, leader)))))),
  ]);
}

function headline({ leader, since, why, members }) {
  const acts = members.find((one) => one.store === leader);
  if (!acts) return [h('span', { class: 'bad', 'aria-hidden': 'true' }, '! '), `Nobody acts: ${why ?? 'no worker leads'}`];
  const from = since === null ? '' : ` since ${clockTime(since)} UTC`;
  return [h('span', { class: 'good', 'aria-hidden': 'true' }, '✓ '), h('b', {}, name(acts)), ` acts${from}`];
}

function row(one, leader) {
  const [tone, sign, text] = state(one, leader);
  return h('tr', { 'data-worker': one.store },
    h('th', { scope: 'row' }, name(one)),
    h('td', {}, one.address ?? '–'),
    h('td', {}, one.part),
    h('td', { class: tone }, h('span', { 'aria-hidden': 'true' }, `${sign} `), text + (one.waits === null ? '' : `: ${one.waits}`)));
}
