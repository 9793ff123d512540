// The timeline: one row for each instance, on a canvas that is as large as the part in view.

const timeline = { canvas: byId('timeline-canvas'), scroll: byId('timeline-scroll'), space: byId('timeline-space'), rows: [], left: 0, height: 24 };
const AXIS = 26;
/** The lane of each invocation in its row. Instances that run several at a time have several lanes. */
const lanes = new Uint8Array(count);
const MOST_LANES = 7;

/** Collects the rows of the shown function: functions by name, their instances by start. */
function collectRows() {
  const rows = new Map();
  for (const i of shown.members) {
    const key = `${all.function[i]} ${all.instance[i]}`;
    if (!rows.has(key)) rows.set(key, { fn: nameOf(all.function[i]), instance: nameOf(all.instance[i]), own: [], longest: 0 });
    const row = rows.get(key);
    row.own.push(i);
    row.longest = Math.max(row.longest, endOf(i) - beginOf(i));
  }
  rows.forEach(chooseLanes);
  const key = (row) => row.fn;
  timeline.rows = [...rows.values()].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : all.startMs[a.own[0]] - all.startMs[b.own[0]]));
}
listers.push(collectRows);

/** Puts invocations that run at the same time on different lanes. Lambda states times in milliseconds, so two may touch. */
function chooseLanes(row) {
  const ends = [];
  for (const i of row.own) {
    let lane = ends.findIndex((end) => end <= beginOf(i) + 2);
    if (lane < 0) lane = ends.length < MOST_LANES ? ends.length : ends.indexOf(Math.min(...ends));
    ends[lane] = endOf(i);
    lanes[i] = lane;
  }
  row.lanes = ends.length;
}

/** The first invocation of a row that can reach into a time. */
function firstAt(row, from) {
  let [low, high] = [0, row.own.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all.startMs[row.own[middle]] < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

const xOf = (ms) => timeline.left + ((ms - shown.from) / (shown.to - shown.from)) * timeline.width;
const timeAt = (x) => shown.from + ((x - timeline.left) / timeline.width) * (shown.to - shown.from);

function drawTimeline() {
  const { canvas, scroll, space, rows } = timeline;
  const width = scroll.clientWidth;
  const isNarrow = width < 620;
  timeline.height = isNarrow ? 40 : 24;
  timeline.left = isNarrow ? 8 : Math.min(270, Math.round(width * 0.25));
  timeline.width = Math.max(10, width - timeline.left - 10);
  const total = AXIS + rows.length * timeline.height + 6;
  space.style.height = `${total}px`;
  const height = Math.min(total, scroll.clientHeight || 440, 440);
  canvas.style.height = `${height}px`;
  const context = prepared(canvas, width, height);
  drawTimes(context, timeline.left, timeline.width, AXIS - 4, height, AXIS / 2 - 1);
  context.save();
  context.beginPath();
  context.rect(0, AXIS - 2, width, height);
  context.clip();
  const first = Math.max(0, Math.floor(scroll.scrollTop / timeline.height) - 1);
  let drawn = 0;
  for (let index = first; index < rows.length; index++) {
    const y = AXIS + index * timeline.height - scroll.scrollTop;
    if (y > height) break;
    // The first row in view names its function, too.
    const isSame = index > 0 && rows[index - 1].fn === rows[index].fn;
    drawn += drawRow(context, rows[index], y, width, isNarrow, isSame && y - timeline.height >= AXIS - 12);
  }
  context.restore();
  canvas.dataset.drawn = drawn;
  canvas.dataset.rows = rows.length;
}
drawers.push(drawTimeline);

/** Draws the label and the bars of a row, and returns how many invocations are in view. */
function drawRow(context, row, y, width, isNarrow, isSameFunction) {
  context.fillStyle = colors.grid;
  if (!isSameFunction) context.fillRect(0, Math.round(y) - 1, width, 1);
  const bars = { top: isNarrow ? y + 21 : y + 5, height: 14 / row.lanes };
  const barOf = (i) => ({ top: bars.top + lanes[i] * bars.height, height: row.lanes > 1 ? bars.height - 0.5 : 14 });
  context.fillStyle = colors.text;
  if (isNarrow) {
    context.fillText(fitted(context, `${row.fn} · ${row.instance}`, width - 16), 8, y + 9);
  } else {
    const names = timeline.left - 20;
    const name = isSameFunction ? '' : fitted(context, row.fn, names * 0.62);
    context.fillText(name, 10, y + 12);
    context.fillStyle = colors.muted;
    context.textAlign = 'right';
    context.fillText(fitted(context, row.instance, names * 0.36), timeline.left - 10, y + 12);
    context.textAlign = 'left';
  }
  context.save();
  context.beginPath();
  context.rect(timeline.left, y, timeline.width, timeline.height);
  context.clip();
  let drawn = 0;
  const marked = [];
  for (let at = firstAt(row, shown.from - row.longest - 1); at < row.own.length; at++) {
    const i = row.own[at];
    if (beginOf(i) > shown.to) {
      if (all.startMs[i] > shown.to + row.longest) break;
      continue;
    }
    if (endOf(i) < shown.from) continue;
    drawn += 1;
    drawBar(context, i, barOf(i));
    if (isFailure(i) || i === shown.selected) marked.push(i);
  }
  for (const i of marked) drawMark(context, i, barOf(i));
  context.restore();
  return drawn;
}

/** Draws the phases of an invocation, each at least one pixel wide. */
function drawBar(context, i, bar) {
  const phase = (from, to, color, inset) => {
    const x = xOf(from);
    context.fillStyle = color;
    const by = (inset * bar.height) / 14;
    context.fillRect(x, bar.top + by, Math.max(1, xOf(to) - x), bar.height - 2 * by);
  };
  const start = all.startMs[i];
  const end = start + (all.durationMs[i] ?? 0);
  if (all.extensionMs[i] > 0) phase(end, end + all.extensionMs[i], colors.extension, 4);
  if (all.initMs[i] !== null) phase(start - all.initMs[i], start, colors.init, 2);
  phase(start, end, isFailure(i) ? colors.failure : all.outcome[i] === 'unknown' ? colors.unknown : colors.function, 0);
}

/** Marks a failure with a triangle and the selected invocation with a frame, above all bars. */
function drawMark(context, i, bar) {
  const x = xOf(all.startMs[i]);
  const width = Math.max(1, xOf(all.startMs[i] + (all.durationMs[i] ?? 0)) - x);
  if (isFailure(i)) {
    const middle = x + width / 2;
    context.fillStyle = colors.failure;
    context.fillRect(x, bar.top, width, bar.height);
    context.beginPath();
    context.moveTo(middle - 4, bar.top - 5);
    context.lineTo(middle + 4, bar.top - 5);
    context.lineTo(middle, bar.top + 2);
    context.fill();
  }
  if (i === shown.selected) {
    const begin = xOf(beginOf(i));
    context.strokeStyle = colors.text;
    context.lineWidth = 1.5;
    context.strokeRect(begin - 2, bar.top - 2, Math.max(1, xOf(endOf(i)) - begin) + 4, bar.height + 4);
  }
}

/** The invocation at the pointer: the nearest one of the row, at most 5 pixels away. */
function at(event) {
  const box = timeline.canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const row = timeline.rows[Math.floor((y - AXIS + timeline.scroll.scrollTop) / timeline.height)];
  if (!row || x < timeline.left || y < AXIS) return -1;
  const [ms, reach] = [timeAt(x), (5 / timeline.width) * (shown.to - shown.from)];
  const top = (timeline.height === 40 ? 21 : 5) + timeline.rows.indexOf(row) * timeline.height + AXIS - timeline.scroll.scrollTop;
  const lane = Math.floor(((y - top) / 14) * row.lanes);
  let [best, nearest] = [-1, Infinity];
  for (let index = firstAt(row, ms - row.longest - reach); index < row.own.length; index++) {
    const i = row.own[index];
    if (all.startMs[i] - row.longest > ms + reach) break;
    // Invocations in the lane of the pointer win, and failures, because they are drawn on top.
    const apart = Math.max(beginOf(i) - ms, ms - endOf(i), 0);
    const distance = apart + Math.abs(lanes[i] - lane) * reach - (isFailure(i) ? 1e-6 : 0);
    if (apart <= reach && distance < nearest) [best, nearest] = [i, distance];
  }
  return best;
}

/** The text of the box at the pointer, about an invocation. */
function tooltip(i) {
  const parts = [`${nameOf(all.function[i])} · ${all.outcome[i]}${all.errorType[i] === null ? '' : ` · ${nameOf(all.errorType[i])}`}`, time(all.startMs[i])];
  if (all.initMs[i] !== null) parts.push(`init ${duration(all.initMs[i])}`);
  parts.push(`function ${duration(all.durationMs[i])}, extension ${duration(all.extensionMs[i])}`);
  parts.push(all.requestId[i]);
  return parts.join('\n');
}

/** Selects an invocation and shows its details; with `isFound` it comes into view, too. */
function select(i, isFound = false) {
  shown.selected = i;
  const panel = byId('selected');
  panel.hidden = i < 0;
  if (i >= 0) {
    const close = element('button', { type: 'button', onclick: () => select(-1) }, 'Close');
    const link = element('a', { href: `#request=${encodeURIComponent(all.requestId[i])}` }, 'Link to this invocation');
    const head = element('div', { class: 'head' }, element('strong', {}, nameOf(all.function[i])), link, close);
    panel.replaceChildren(head, details(i));
  }
  if (isFound && i >= 0) {
    if (shown.fn >= 0 && all.function[i] !== shown.fn) {
      byId('function').value = '-1';
      showFunction(-1);
    }
    const around = Math.max((endOf(i) - beginOf(i)) * 6, 1000);
    show(beginOf(i) - around, endOf(i) + around);
    const row = timeline.rows.findIndex((it) => it.own.includes(i));
    timeline.scroll.scrollTop = Math.max(0, row * timeline.height - 150);
    byId('timeline').scrollIntoView();
  }
  redraw();
}

function listenToTimeline() {
  const { scroll, canvas } = timeline;
  let held = null;
  scroll.addEventListener('scroll', redraw);
  canvas.addEventListener('pointerdown', (event) => {
    held = { x: event.clientX, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!held) return showTip(event, (event.pointerType !== 'touch' && at(event) >= 0) ? tooltip(at(event)) : '');
    const by = event.clientX - held.x;
    if (!held.moved && Math.abs(by) < 4) return undefined;
    [held.x, held.moved] = [event.clientX, true];
    scroll.classList.add('moving');
    showTip(event, '');
    return move(-by / timeline.width);
  });
  canvas.addEventListener('pointerup', (event) => {
    if (held && !held.moved) select(at(event));
    held = null;
    scroll.classList.remove('moving');
  });
  canvas.addEventListener('pointercancel', () => { held = null; });
  canvas.addEventListener('pointerleave', (event) => showTip(event, ''));
  canvas.addEventListener('wheel', (event) => {
    const isZoom = event.ctrlKey || event.metaKey;
    if (!isZoom && !event.shiftKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
    event.preventDefault();
    if (isZoom) zoom(event.deltaY > 0 ? 1.25 : 0.8, timeAt(event.clientX - canvas.getBoundingClientRect().left));
    else move((event.deltaX || event.deltaY) / timeline.width);
  }, { passive: false });
  const keys = { ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2), '+': () => zoom(0.5), '=': () => zoom(0.5), '-': () => zoom(2), 0: () => show(...whole), Escape: () => select(-1) };
  scroll.addEventListener('keydown', (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  const buttons = { earlier: 'ArrowLeft', later: 'ArrowRight', in: '+', out: '-', whole: '0' };
  for (const [id, key] of Object.entries(buttons)) byId(id).addEventListener('click', keys[key]);
}
