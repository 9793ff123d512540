'use strict';
// The data, the selection, and figures for people. All text reaches the page as text nodes, never as markup.

const root = document.documentElement;
const failed = (why) => { root.dataset.error = String(why); };
addEventListener('error', (event) => failed(event.message));
addEventListener('unhandledrejection', (event) => failed(event.reason));
addEventListener('securitypolicyviolation', (event) => failed(`blocked: ${event.violatedDirective}`));
const began = performance.now();

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId('data').textContent);
const all = data.invocations;
const count = all.startMs.length;
const nameOf = (index) => (index === null ? '' : data.names[index]);
const isFailure = (i) => all.outcome[i] === 'failure' || all.outcome[i] === 'error' || all.outcome[i] === 'timeout';
/** The end of an invocation, if it is known. */
const endOf = (i) => all.startMs[i] + (all.durationMs[i] ?? 0) + (all.extensionMs[i] ?? 0);
/** The start of an invocation, including its init phase. */
const beginOf = (i) => all.startMs[i] - (all.initMs[i] ?? 0);

/** Creates an element. Attributes are given by name; children are elements or text. */
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const number = (value) => value.toLocaleString('en-US');
const counted = (value, noun) => `${number(value)} ${noun}${value === 1 ? '' : 's'}`;

/** A duration with about three digits. `sections::figures::duration` does the same. */
function duration(ms) {
  if (ms === null || ms === undefined) return '–';
  const size = Math.abs(ms);
  if (size < 9.995) return `${ms.toFixed(2)} ms`;
  if (size < 99.95) return `${ms.toFixed(1)} ms`;
  if (size < 999.5) return `${ms.toFixed(0)} ms`;
  if (size < 9995) return `${(ms / 1e3).toFixed(2)} s`;
  if (size < 119950) return `${(ms / 1e3).toFixed(1)} s`;
  return size < 7170000 ? `${(ms / 60e3).toFixed(1)} min` : `${(ms / 3600e3).toFixed(1)} h`;
}

/** A time as `2026-08-09 12:34:51.694`, or a part of it. */
function time(ms, from = 0, to = 23) {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? '–' : date.toISOString().replace('T', ' ').slice(from, to);
}
const clock = (ms) => time(ms, 11, 23);
/** A time without its date if all invocations have the same one. */
const brief = (ms) => (time(whole[0], 0, 10) === time(whole[1], 0, 10) ? clock(ms) : time(ms));

/** The nearest-rank percentile of sorted values. */
const percentile = (sorted, percent) => (sorted.length ? sorted[Math.max(0, Math.ceil(sorted.length * percent / 100) - 1)] : null);
const ascending = (one, other) => one - other;

// The view: one function or all (-1), and a range of time. `draw` and `list` follow every change.

const whole = (() => {
  let [from, to] = [Infinity, -Infinity];
  for (let i = 0; i < count; i++) {
    from = Math.min(from, beginOf(i));
    to = Math.max(to, endOf(i));
  }
  const margin = Math.max((to - from) * 0.01, 1);
  return count ? [from - margin, to + margin] : [data.fromMs, Math.max(data.toMs, data.fromMs + 1)];
})();
const shown = { fn: -1, from: whole[0], to: whole[1], selected: -1, members: [] };
const drawers = [];
const listers = [];
let isWaiting = false;

/** Draws everything in the next frame, once for any number of changes. */
function redraw() {
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => {
    isWaiting = false;
    drawAll();
  });
}
function drawAll() {
  drawers.forEach((draw) => draw());
  const day = time(shown.from, 0, 10);
  const end = time(shown.to, 0, 10) === day ? time(shown.to, 11, 19) : time(shown.to, 0, 19);
  byId('range').textContent = `${time(shown.from, 0, 19)} to ${end} UTC (${duration(shown.to - shown.from)})`;
  const isWhole = shown.from <= whole[0] && shown.to >= whole[1];
  for (const id of ['whole', 'out', 'earlier', 'later']) byId(id).disabled = isWhole;
}

/** Shows another range of time, within the whole range and not shorter than 5 ms. */
function show(from, to) {
  const most = whole[1] - whole[0];
  const span = Math.min(Math.max(to - from, 5), most);
  const middle = (from + to) / 2;
  shown.from = Math.min(Math.max(middle - span / 2, whole[0]), whole[1] - span);
  shown.to = shown.from + span;
  redraw();
}
/** Zooms about a time: a factor below 1 shows more detail. */
function zoom(factor, about = (shown.from + shown.to) / 2) {
  show(about - (about - shown.from) * factor, about + (shown.to - about) * factor);
}
/** Moves the range by a share of its length. */
function move(share) {
  const by = (shown.to - shown.from) * share;
  const inside = by < 0 ? Math.max(by, whole[0] - shown.from) : Math.min(by, whole[1] - shown.to);
  show(shown.from + inside, shown.to + inside);
}

/** Shows one function, or all of them (-1). */
function showFunction(fn) {
  shown.fn = fn;
  shown.members = [];
  for (let i = 0; i < count; i++) if (fn < 0 || all.function[i] === fn) shown.members.push(i);
  listers.forEach((list) => list());
  redraw();
}

/** The invocations of the shown function that begin in a range of time, as start and end in `shown.members`. */
function within(from, to) {
  const first = (limit) => {
    let [low, high] = [0, shown.members.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (all.startMs[shown.members[middle]] < limit) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return [first(from), first(to)];
}
