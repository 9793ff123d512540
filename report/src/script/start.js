// Fills the controls, and draws for the first time.

function fillChoices() {
  const functions = [...new Set(all.function)].map((index) => [nameOf(index), index]).sort((a, b) => (a[0] < b[0] ? -1 : 1));
  const choices = functions.map(([name, index]) => element('option', { value: index }, name));
  byId('function').append(element('option', { value: -1 }, `All (${number(functions.length)})`), ...choices);
  byId('function').addEventListener('change', (event) => showFunction(Number(event.target.value)));
  const known = [...new Set(all.outcome)].sort();
  byId('outcome').append(element('option', { value: '' }, 'Any'), element('option', { value: 'failed' }, 'Any failure'), ...known.map((name) => element('option', { value: name }, name)));
  byId('outcome').addEventListener('change', listInvocations);
  byId('search').addEventListener('input', listInvocations);
  byId('previous').addEventListener('click', () => { table.page -= 1; showPage(); });
  byId('next').addEventListener('click', () => { table.page += 1; showPage(); });
  byId('failures-more').addEventListener('click', moreFailures);
}

function followTheme() {
  const button = byId('theme');
  const prefers = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : prefers.matches);
  const changed = () => {
    button.textContent = isDark() ? 'Light theme' : 'Dark theme';
    readColors();
    redraw();
  };
  button.hidden = false;
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    changed();
  });
  prefers.addEventListener('change', changed);
  // Paper is light.
  let before;
  addEventListener('beforeprint', () => {
    before = root.dataset.theme;
    root.dataset.theme = 'light';
    readColors();
    drawAll();
  });
  addEventListener('afterprint', () => {
    if (before) root.dataset.theme = before;
    else delete root.dataset.theme;
    changed();
  });
  changed();
}

/** Shows the invocation that the address names: `#request=` and its ID. */
function followAddress() {
  const [, id] = /^#request=(.+)$/.exec(location.hash) ?? [];
  const i = id === undefined ? -1 : all.requestId.indexOf(decodeURIComponent(id));
  if (i < 0) return;
  select(i, true);
  if (isFailure(i)) openFailure(i);
}

document.querySelectorAll('table.sortable').forEach(makeSortable);
if (count > 0) {
  byId('interactive').hidden = false;
  fillChoices();
  readColors();
  showFunction(-1);
  listenToTimeline();
  charts.forEach(listenToChart);
  new ResizeObserver(redraw).observe(document.body);
  drawAll();
  followAddress();
  addEventListener('hashchange', followAddress);
} else {
  drawers.length = 0;
}
followTheme();
root.dataset.ready = Math.round(performance.now() - began);
