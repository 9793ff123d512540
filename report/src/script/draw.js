// Canvases: colors of the theme, sharp lines, axes of time, and the box at the pointer.

const probe = element('span', { hidden: true });
let colors = {};

/** Reads the colors of the current theme. */
function readColors() {
  document.body.append(probe);
  for (const name of ['card', 'raised', 'text', 'muted', 'edge', 'grid', 'init', 'function', 'extension', 'failure', 'unknown', 'p50', 'p99', 'link']) {
    probe.style.color = `var(--${name})`;
    colors[name] = getComputedStyle(probe).color;
  }
  probe.remove();
}

/** Prepares a canvas for a size in CSS pixels and returns its context, on which one unit is one CSS pixel. */
function prepared(canvas, width, height) {
  const scale = Math.min(devicePixelRatio || 1, 3);
  const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  const context = canvas.getContext('2d');
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  context.textBaseline = 'middle';
  return context;
}

/** Shortens text to a width. */
function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return low ? `${text.slice(0, low)}…` : '';
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE,
  5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 30 * DAY, 365 * DAY,
];

/** The times of the axis and their labels, for a width in pixels. */
function ticks(width) {
  const span = shown.to - shown.from;
  const years = 365 * DAY * Math.ceil((span / width) * (84 / (365 * DAY)));
  const step = STEPS.find((it) => (it / span) * width >= (it < SECOND ? 112 : 84)) ?? years;
  const found = [];
  for (let at = Math.ceil(shown.from / step) * step; at <= shown.to; at += step) {
    const isDay = at % DAY === 0;
    const label = step >= 365 * DAY ? time(at, 0, -19) : isDay ? time(at, 5, 10) : time(at, 11, step < SECOND ? 23 : step < MINUTE ? 19 : 16);
    found.push([at, label]);
  }
  return found;
}

/** Draws lines and labels of the time axis: lines from `top` to `bottom`, labels centered at `labels`. */
function drawTimes(context, left, width, top, bottom, labels) {
  context.textAlign = 'center';
  for (const [at, label] of ticks(width)) {
    const x = left + ((at - shown.from) / (shown.to - shown.from)) * width;
    context.fillStyle = colors.grid;
    context.fillRect(Math.round(x), top, 1, bottom - top);
    const half = context.measureText(label).width / 2;
    if (x - half < left - 8 || x + half > left + width + 8) continue;
    context.fillStyle = colors.muted;
    context.fillText(label, x, labels);
  }
  context.textAlign = 'left';
}

const tip = byId('tip');

/** Shows text next to the pointer; without text, hides it. */
function showTip(event, text) {
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const box = tip.getBoundingClientRect();
  const x = Math.min(event.clientX + 14, innerWidth - box.width - 8);
  const y = event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 12 : event.clientY + 18;
  tip.style.left = `${Math.max(8, x)}px`;
  tip.style.top = `${Math.max(8, y)}px`;
}
