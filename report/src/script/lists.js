// Failures with their log lines, the table of invocations, and tables that can be sorted.

const badge = (outcome) => element('span', { class: `badge ${outcome}` }, outcome);

/** All figures of an invocation. */
function details(i) {
  const memory = all.memoryMb[i] === null ? null : `${all.maxMemoryMb[i] === null ? '' : `${number(all.maxMemoryMb[i])} of `}${number(all.memoryMb[i])} MB`;
  const fields = [
    ['Request ID', all.requestId[i]],
    ['Outcome', all.errorType[i] === null ? all.outcome[i] : `${all.outcome[i]}: ${nameOf(all.errorType[i])}`],
    ['Start', `${time(all.startMs[i])} UTC`],
    ['Version', nameOf(all.version[i])],
    ['Instance', nameOf(all.instance[i])],
    ['Init', all.initMs[i] === null ? null : duration(all.initMs[i])],
    ['Function', duration(all.durationMs[i])],
    ['Held by the extension', duration(all.extensionMs[i])],
    ['Billed', all.billedMs[i] === null ? null : duration(all.billedMs[i])],
    ['Memory', memory],
    ['Delivery lag', duration(all.lagMs[i])],
    ['Events', number(all.events[i])],
  ];
  return element('dl', {}, ...fields.filter(([, value]) => value).map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))));
}

/** The log lines of an invocation. */
function logLines(i) {
  const lines = data.lines[i];
  if (!lines) return element('p', { class: 'muted' }, 'The report has no log lines of this invocation.');
  return element('div', { class: 'lines mono', tabindex: 0, role: 'group', 'aria-label': 'Log lines' }, ...lines.map(([at, level, text]) => {
    const isBad = /^(error|fatal|critical)/i.test(level ?? '');
    return element('div', {},
      at === null ? null : element('time', {}, clock(at)),
      level === null ? null : element('span', { class: isBad ? 'level bad' : 'level' }, level),
      element('span', { class: 'text' }, text));
  }));
}

const failures = { list: [], kind: null, length: 0 };
const FAILURES = 20;
const kindOf = (i) => (all.errorType[i] === null ? all.outcome[i] : nameOf(all.errorType[i]));

/** Lists the failures of the shown function, and how many there are of each kind. */
function listFailures() {
  const kinds = new Map();
  for (const i of shown.members) if (isFailure(i)) kinds.set(kindOf(i), (kinds.get(kindOf(i)) ?? 0) + 1);
  if (!kinds.has(failures.kind)) failures.kind = null;
  failures.list = shown.members.filter((i) => isFailure(i) && (failures.kind === null || kindOf(i) === failures.kind));
  const sorted = [...kinds].sort((one, other) => other[1] - one[1]).slice(0, 24);
  const choose = (kind) => () => {
    failures.kind = failures.kind === kind ? null : kind;
    listFailures();
  };
  byId('failure-kinds').replaceChildren(...sorted.map(([kind, of]) => element('button', { type: 'button', 'aria-pressed': String(kind === failures.kind), onclick: choose(kind) }, element('b', {}, number(of)), element('span', { title: kind }, kind))));
  byId('failures-count').textContent = failures.list.length ? counted(failures.list.length, 'failure') : '';
  failures.length = 0;
  byId('failure-list').replaceChildren();
  if (!failures.list.length) byId('failure-list').append(element('p', { class: 'muted' }, 'No invocation failed in this range.'));
  if (data.withoutLines) byId('failure-kinds').append(element('small', {}, `The log lines of ${counted(data.withoutLines, 'failure')} are omitted to keep the page small.`));
  moreFailures();
}
listers.push(listFailures);

function moreFailures() {
  const next = failures.list.slice(failures.length, failures.length + FAILURES);
  failures.length += next.length;
  byId('failure-list').append(...next.map(failure));
  byId('failures-more').hidden = failures.length >= failures.list.length;
}

/** Opens a failure, and adds those before it to the list. */
function openFailure(i) {
  failures.kind = null;
  listFailures();
  const index = failures.list.indexOf(i);
  while (failures.length <= index) moreFailures();
  byId('failure-list').children[index].open = true;
}

/** One failure. Its log lines are created when it is opened. */
function failure(i) {
  const box = element('details', { class: 'failure' }, element('summary', {},
    element('span', { class: 'when' }, brief(all.startMs[i])), element('span', { class: 'who' }, nameOf(all.function[i])),
    badge(all.outcome[i]), element('span', { class: 'what' }, nameOf(all.errorType[i])), element('span', { class: 'took' }, duration(all.durationMs[i]))));
  box.addEventListener('toggle', () => {
    if (!box.open || box.children.length > 1) return;
    const find = element('button', { type: 'button', onclick: () => select(i, true) }, 'Show in the timeline');
    box.append(element('div', { class: 'details' }, details(i), logLines(i), element('p', {}, find)));
  });
  return box;
}

const table = { list: [], page: 0, by: 'startMs', isUp: true };
const ROWS = 20;
const COLUMNS = [
  ['startMs', 'Start', (i) => brief(all.startMs[i])],
  ['function', 'Function', (i) => nameOf(all.function[i]), (i) => nameOf(all.function[i])],
  ['requestId', 'Request ID', (i) => element('button', { type: 'button', class: 'link mono', title: 'Show in the timeline', onclick: () => select(i, true) }, all.requestId[i] || '–')],
  ['outcome', 'Outcome', (i) => badge(all.outcome[i])],
  ['initMs', 'Init', (i) => (all.initMs[i] === null ? '' : duration(all.initMs[i]))],
  ['durationMs', 'Duration', (i) => duration(all.durationMs[i])],
  ['extensionMs', 'Extension', (i) => duration(all.extensionMs[i])],
  ['billedMs', 'Billed', (i) => (all.billedMs[i] === null ? '' : duration(all.billedMs[i]))],
  ['maxMemoryMb', 'Memory', (i) => (all.maxMemoryMb[i] === null ? '' : `${number(all.maxMemoryMb[i])} MB`)],
  ['lagMs', 'Lag', (i) => duration(all.lagMs[i])],
  ['events', 'Events', (i) => number(all.events[i])],
];
const isFigure = (name) => !['startMs', 'function', 'requestId', 'outcome'].includes(name);

/** Finds the invocations that match the filters, and sorts them. Unknown figures come last. */
function listInvocations() {
  const outcome = byId('outcome').value;
  const words = byId('search').value.trim().toLowerCase();
  const names = data.names.map((name) => name.toLowerCase().includes(words));
  const matches = (i) => (outcome === '' || (outcome === 'failed' ? isFailure(i) : all.outcome[i] === outcome))
    && (words === '' || all.requestId[i].toLowerCase().includes(words) || names[all.instance[i]] || (all.errorType[i] !== null && names[all.errorType[i]]));
  table.list = shown.members.filter(matches);
  const column = all[table.by];
  const key = table.by === 'function' ? (i) => nameOf(column[i]) : (i) => column[i];
  const sign = table.isUp ? 1 : -1;
  table.list.sort((one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === null || b === null) return (a === null) - (b === null);
    return a < b ? -sign : a > b ? sign : 0;
  });
  table.page = 0;
  showPage();
}
listers.push(listInvocations);

function showPage() {
  const pages = Math.max(1, Math.ceil(table.list.length / ROWS));
  table.page = Math.min(Math.max(table.page, 0), pages - 1);
  const head = COLUMNS.map(([name, title]) => {
    const sort = table.by === name ? (table.isUp ? 'ascending' : 'descending') : null;
    const turn = () => {
      [table.isUp, table.by] = [table.by === name ? !table.isUp : !isFigure(name), name];
      listInvocations();
      byId('invocations-table').querySelector('th[aria-sort] button').focus();
    };
    return element('th', { class: isFigure(name) ? 'figure' : null, scope: 'col', 'aria-sort': sort }, element('button', { type: 'button', onclick: turn }, title));
  });
  const rows = table.list.slice(table.page * ROWS, (table.page + 1) * ROWS).map((i) => element('tr', {}, ...COLUMNS.map(([name, , cell]) => element('td', { class: isFigure(name) ? 'figure' : null }, cell(i)))));
  if (!rows.length) rows.push(element('tr', {}, element('td', { colspan: COLUMNS.length, class: 'muted' }, 'No invocation matches.')));
  byId('invocations-table').replaceChildren(element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows));
  byId('invocations-count').textContent = table.list.length === count ? counted(count, 'invocation') : `${number(table.list.length)} of ${counted(count, 'invocation')}`;
  byId('page').textContent = `Page ${number(table.page + 1)} of ${number(pages)}`;
  byId('previous').disabled = table.page === 0;
  byId('next').disabled = table.page === pages - 1;
}

/** Turns the headings of a table into buttons that sort its rows: by `data-value`, else by text. */
function makeSortable(node) {
  const body = node.tBodies[0];
  const value = (row, index) => {
    const cell = row.cells[index];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };
  const headings = [...node.tHead.rows[0].cells];
  headings.forEach((heading, index) => {
    const sort = () => {
      const isUp = heading.getAttribute('aria-sort') !== 'ascending';
      headings.forEach((other) => other.removeAttribute('aria-sort'));
      heading.setAttribute('aria-sort', isUp ? 'ascending' : 'descending');
      const rows = [...body.rows].map((row) => [value(row, index), row]);
      rows.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (isUp ? 1 : -1));
      body.append(...rows.map(([, row]) => row));
    };
    heading.scope = 'col';
    heading.replaceChildren(element('button', { type: 'button', onclick: sort }, heading.textContent));
  });
}
