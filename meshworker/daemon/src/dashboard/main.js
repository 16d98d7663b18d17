// The page: brings together the line to the worker and what it shows.

import * as api from './api.js';
import { age, clockTime, lasting, tickAll } from './clock.js';
import { Cluster } from './cluster.js';
import { h, mark, reconcile, redraw, say } from './dom.js';
import { Evidence } from './evidence.js';
import { Live } from './live.js';
import { Timeline } from './timeline.js';
import { showWorkers } from './workers.js';

const main = document.getElementById('clusters');
const evidence = new Evidence();
const choose = (cluster, member) => evidence.open(cluster, member);
const timeline = new Timeline(choose);
const shown = new Map();
const holder = main.appendChild(h('div', { class: 'holder' }));
let summaries = [];
let line = ['starting', null];

/// The line's state, in words; how long nobody answered goes on by itself.
function showLine() {
  const [state, answered] = line;
  const element = document.getElementById('line');
  mark(element, 'data-line', state);
  mark(document.body, 'data-line', state);
  const since = answered === null ? 'since this page was opened'
    : `since ${clockTime(answered)} UTC (${lasting((Date.now() - answered) / 1000).replace(/\.\d/, '')})`;
  say(element.querySelector('.line-text'), {
    starting: 'asking the worker …',
    live: 'live',
    polling: 'the stream is broken: asking every 2 s',
    lost: `no answer from the worker ${since}`,
  }[state]);
}

/// The page's title is all that is seen of a tab in the background.
function showTitle() {
  const bad = summaries.filter((one) => !(shown.get(one.name)?.status ?? one).one);
  document.title = line[0] === 'lost' ? '? no answer – meshworker'
    : bad.length > 0 ? `! ${bad[0].name}${bad.length > 1 ? ` and ${bad.length - 1} more` : ''} – meshworker`
      : summaries.length > 0 ? '✓ meshworker' : 'meshworker';
}

function showContents() {
  const contents = document.getElementById('contents');
  contents.hidden = summaries.length < 2;
  const data = summaries.map((one) => [one.name, (shown.get(one.name)?.status ?? one).one]);
  redraw(contents, data, (all) => h('ul', {}, all.map(([name, one]) => h('li', {},
    h('a', { href: `#cluster-${encodeURIComponent(name)}`, 'data-focus': `contents ${name}` },
      h('span', { class: one ? 'good' : 'bad', 'aria-hidden': 'true' }, one ? '✓ ' : '! '), name,
      h('span', { class: 'hidden' }, one ? ': one cluster' : ': not one cluster'))))));
}

/// The cluster's own place on the page.
function place(name) {
  const known = shown.get(name);
  if (known) return known;
  const cluster = new Cluster(name, choose);
  shown.set(name, cluster);
  // How often it looks says when a pass is late.
  api.config(name).then((config) => {
    const interval = config.settings.find((one) => one.name === 'interval');
    const seconds = parseFloat(interval?.value);
    if (seconds > 0) cluster.interval = seconds;
  }).catch(() => {});
  return cluster;
}

const live = new Live({
  clusters(list) {
    summaries = list;
    for (const name of [...shown.keys()]) if (!list.some((one) => one.name === name)) shown.delete(name);
    document.getElementById('none').hidden = list.length > 0;
    reconcile(holder, list.map((one) => place(one.name)), (one) => one.element.dataset.cluster, (one) => one.element);
    for (const one of list) {
      // A pass that the stream did not tell of.
      const pass = shown.get(one.name)?.status?.pass;
      if (pass && one.age_seconds !== null && age(Date.parse(pass.time)) > one.age_seconds + 2) live.refresh(one.name);
    }
    showContents();
    showTitle();
  },
  cluster(name, status, error) {
    if (!summaries.some((one) => one.name === name)) return;
    place(name).show(status, error);
    evidence.changed(name);
    showContents();
    showTitle();
  },
  group: (status) => showWorkers(document.getElementById('workers'), status),
  facts: (events) => timeline.add(events),
  restarted: () => timeline.clear(),
  line(...state) {
    line = state;
    showLine();
    showTitle();
  },
});

// Where reading needs a token, whoever looks is asked for it.
const tokenCard = document.getElementById('token');
const tokenValue = document.getElementById('token-value');
api.onRefused((had) => {
  say(document.getElementById('token-why'), had
    ? 'The worker does not take this token. Reading needs one that stands in its api-read-token-file.'
    : 'Reading needs a token here: one that stands in the worker\'s api-read-token-file.');
  if (!tokenCard.hidden) return;
  tokenCard.hidden = false;
  tokenValue.focus();
});
function useToken() {
  api.useToken(tokenValue.value.trim());
  tokenValue.value = '';
  tokenCard.hidden = true;
  live.again();
}
document.getElementById('token-use').addEventListener('click', useToken);
tokenValue.addEventListener('keydown', (event) => event.key === 'Enter' && useToken());

setInterval(() => {
  tickAll();
  showLine();
  for (const cluster of shown.values()) cluster.tick();
}, 1000);

/// A link to one member's evidence.
function follow() {
  const [, cluster, member] = location.hash.split('/').map(decodeURIComponent);
  if (cluster && member) evidence.open(cluster, member);
}
window.addEventListener('hashchange', follow);
follow();

live.start();
