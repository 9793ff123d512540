// Charts over time with a logarithmic scale: a dot for each invocation, and percentiles of each bucket of time.

const charts = [
  { id: 'duration', values: all.durationMs, color: 'function', title: 'Duration', least: 0.1 },
  { id: 'lag', values: all.lagMs, color: 'extension', title: 'Delivery lag', least: 1 },
];
const LEFT = 58;
const TOP = 10;
const BOTTOM = 24;
/** Values of the scale between two powers of ten are not labelled. */
const SCALE = [0.1, 1, 10, 100, SECOND, 10 * SECOND, MINUTE, 10 * MINUTE, HOUR, 10 * HOUR, 100 * HOUR, 1000 * HOUR];
const scaleLabel = (ms) => (ms < SECOND ? `${ms} ms` : ms < MINUTE ? `${ms / SECOND} s` : ms < HOUR ? `${ms / MINUTE} min` : `${ms / HOUR} h`);

/** Sorts the values in view into buckets of equal length. */
function bucketed(chart, size, first, last) {
  const span = shown.to - shown.from;
  const buckets = Array.from({ length: size }, () => []);
  const values = [];
  for (let at = first; at < last; at++) {
    const i = shown.members[at];
    const value = chart.values[i];
    if (value === null) continue;
    values.push(value);
    buckets[Math.min(size - 1, Math.floor(((all.startMs[i] - shown.from) / span) * size))].push(value);
  }
  values.sort(ascending);
  buckets.forEach((bucket) => bucket.sort(ascending));
  return { buckets, values };
}

function drawChart(chart) {
  const canvas = byId(`${chart.id}-canvas`);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const context = prepared(canvas, width, height);
  const inner = Math.max(10, width - LEFT - 10);
  const [first, last] = within(shown.from, shown.to);
  // A bucket holds about ten values, because percentiles of fewer say little.
  const size = Math.max(6, Math.min(80, Math.floor(inner / 14), Math.floor((last - first) / 10)));
  const { buckets, values } = bucketed(chart, size, first, last);
  Object.assign(chart, { buckets, inner, size });
  const [p50, p99] = [percentile(values, 50), percentile(values, 99)];
  byId(`${chart.id}-figures`).textContent = values.length ? `p50 ${duration(p50)} · p99 ${duration(p99)} · max ${duration(values[values.length - 1])}` : '';
  canvas.setAttribute('aria-label', values.length ? `${chart.title} of ${counted(values.length, 'invocation')} over time: p50 ${duration(p50)}, p99 ${duration(p99)}` : `${chart.title}: no values`);
  canvas.dataset.drawn = values.length;
  drawTimes(context, LEFT, inner, TOP, height - BOTTOM, height - BOTTOM / 2);
  if (!values.length) {
    context.fillStyle = colors.muted;
    context.fillText('No values in this range', LEFT + 10, height / 2);
    return;
  }
  const low = Math.max(chart.least, values[0]);
  const high = Math.max(low * 2, values[values.length - 1] * 1.15);
  const [bottom, top] = [Math.log(low / 1.2), Math.log(high)];
  const y = (value) => TOP + (1 - (Math.log(Math.max(value, chart.least, low)) - bottom) / (top - bottom)) * (height - TOP - BOTTOM);
  drawScale(context, low, high, y, width);
  drawDots(context, chart, first, last, y);
  drawPercentiles(context, chart, y);
}
charts.forEach((chart) => drawers.push(() => drawChart(chart)));

function drawScale(context, low, high, y, width) {
  let marks = SCALE.filter((it) => it >= low / 1.2 && it <= high);
  if (marks.length < 3) marks = SCALE.flatMap((it) => [it, it * 2, it * 5]).filter((it) => it >= low / 1.2 && it <= high);
  context.textAlign = 'right';
  let free = Infinity;
  for (const mark of marks) {
    const at = y(mark);
    context.fillStyle = colors.grid;
    context.fillRect(LEFT, Math.round(at), width - LEFT - 10, 1);
    if (free - at < 15) continue;
    free = at;
    context.fillStyle = colors.muted;
    context.fillText(scaleLabel(mark), LEFT - 8, at);
  }
  context.textAlign = 'left';
}

function drawDots(context, chart, first, last, y) {
  const span = shown.to - shown.from;
  const failures = [];
  context.fillStyle = colors[chart.color];
  // Many dots are drawn lightly, so that their density shows.
  context.globalAlpha = Math.min(0.75, Math.max(0.16, 500 / (last - first)));
  const radius = last - first > 3000 ? 1.5 : 2.2;
  for (let at = first; at < last; at++) {
    const i = shown.members[at];
    if (chart.values[i] === null) continue;
    const x = LEFT + ((all.startMs[i] - shown.from) / span) * chart.inner;
    if (isFailure(i) && chart.id === 'duration') {
      failures.push([x, y(chart.values[i])]);
      continue;
    }
    context.beginPath();
    context.arc(x, y(chart.values[i]), radius, 0, 7);
    context.fill();
  }
  context.globalAlpha = failures.length > 100 ? 0.6 : 0.85;
  context.fillStyle = colors.failure;
  const size = failures.length > 100 ? 2.5 : 4;
  for (const [x, at] of failures) {
    context.beginPath();
    context.moveTo(x, at - size);
    context.lineTo(x + size, at);
    context.lineTo(x, at + size);
    context.lineTo(x - size, at);
    context.fill();
  }
  context.globalAlpha = 1;
}

/** Draws lines through the percentiles of the buckets. A line ends where four buckets in a row are empty. */
function drawPercentiles(context, chart, y) {
  for (const [percent, color, dash] of [[99, colors.p99, [5, 3]], [50, colors.p50, []]]) {
    context.strokeStyle = color;
    context.lineWidth = 1.75;
    context.lineJoin = 'round';
    context.setLineDash(dash);
    context.beginPath();
    let empty = Infinity;
    chart.buckets.forEach((bucket, index) => {
      if (!bucket.length) {
        empty += 1;
        return;
      }
      const x = LEFT + ((index + 0.5) / chart.size) * chart.inner;
      const at = y(percentile(bucket, percent));
      if (empty > 3) context.moveTo(x - 2, at);
      context.lineTo(x, at);
      empty = 0;
    });
    context.stroke();
    context.setLineDash([]);
  }
}

/** Lets a pointer read a bucket, and choose a range of time by dragging. */
function listenToChart(chart) {
  const canvas = byId(`${chart.id}-canvas`);
  let from = null;
  const timeOf = (event) => shown.from + ((event.clientX - canvas.getBoundingClientRect().left - LEFT) / chart.inner) * (shown.to - shown.from);
  canvas.addEventListener('pointerdown', (event) => {
    from = event.clientX;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    const share = (timeOf(event) - shown.from) / (shown.to - shown.from);
    const bucket = chart.buckets[Math.floor(share * chart.size)];
    if (from !== null && Math.abs(event.clientX - from) > 4) {
      drawChart(chart);
      const context = canvas.getContext('2d');
      context.globalAlpha = 0.18;
      context.fillStyle = colors.link;
      const begin = from - canvas.getBoundingClientRect().left;
      context.fillRect(begin, TOP, event.clientX - from, canvas.clientHeight - TOP - BOTTOM);
      context.globalAlpha = 1;
    }
    const at = shown.from + (Math.floor(share * chart.size) / chart.size) * (shown.to - shown.from);
    showTip(event, bucket && bucket.length ? `${time(at, 0, 19)}\n${counted(bucket.length, 'invocation')}\np50 ${duration(percentile(bucket, 50))}, p99 ${duration(percentile(bucket, 99))}` : '');
  });
  canvas.addEventListener('pointerup', (event) => {
    if (from !== null && Math.abs(event.clientX - from) > 4) {
      const [to, begin] = [timeOf(event), timeOf({ clientX: from })];
      show(Math.min(begin, to), Math.max(begin, to));
    }
    from = null;
  });
  canvas.addEventListener('pointercancel', () => { from = null; });
  canvas.addEventListener('pointerleave', (event) => showTip(event, ''));
}
