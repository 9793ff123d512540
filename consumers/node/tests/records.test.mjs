// Tests reading events from records, and the Collector.

import assert from "node:assert/strict";
import test from "node:test";

import { BadRecord, Collector, deaggregate, decompressors } from "kinesis-telemetry-consumer";
import { inflate, linesToEvents, recordsToEvents } from "kinesis-telemetry-consumer";
import { streams } from "./streams.mjs";

const collected = (records) => {
  const collector = new Collector();
  for (const record of records) collector.add(record);
  return collector;
};
const all = (collector) => collector.instances().flatMap((it) => collector.events(it));
const expected = ({ events }) => events.map(({ instance, seq, text }) => ({ instance, seq, text }));
const numbers = ([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at);
const pairs = (collector, name) =>
  collector.instances().flatMap((it) => collector.report(it)[name].flatMap(numbers).map((number) => [it, number]));
const line = (event) => `${JSON.stringify(event)}\n`;

test("every combination is read byte for byte, in order, once", () => {
  assert.ok(streams().length > 10);
  for (const stream of streams()) {
    const collector = collected(stream.records);
    const arrived = all(collector).map(({ instance, seq, text }) => ({ instance, seq, text }));
    assert.deepEqual(arrived, expected(stream), stream.name);
    assert.deepEqual(collector.anonymous.map((event) => event.text).sort(), stream.anonymous.sort());
    assert.equal(collector.duplicates, stream.duplicates);
  }
});

test("what is missing is told from what was given up", () => {
  for (const stream of [...streams({ envelope: "event" }), ...streams({ envelope: "record" })]) {
    const collector = collected(stream.records);
    assert.deepEqual(pairs(collector, "missing"), stream.missing, stream.name);
    assert.deepEqual(pairs(collector, "shed"), stream.shed);
    for (const report of collector.instances().map((it) => collector.report(it))) {
      assert.deepEqual([report.incomplete, report.uncounted, report.isExplained], [[], 0, false]);
      assert.equal(report.last, report.ledger.upTo + 1);
    }
  }
});

test("the order of records, and how often they come, change nothing", () => {
  for (const stream of streams({ envelope: "event" })) {
    const collector = collected([...stream.records].reverse().concat(stream.records));
    assert.deepEqual(all(collector).map((event) => event.text), expected(stream).map((event) => event.text));
  }
});

test("a line is written again as it was", () => {
  for (const stream of streams({ envelope: "event" })) {
    const lines = all(collected(stream.records)).map((event) => event.line);
    assert.deepEqual(lines, stream.events.map((event, at) => event.line ?? lines[at]));
  }
});

test("a line that got its identity from its record reads the same", () => {
  for (const event of streams().flatMap(({ records }) => records.flatMap((it) => recordsToEvents(it)))) {
    assert.deepEqual(linesToEvents(Buffer.from(`${event.line}\n`)), [event]);
  }
});

test("the text of a log line that looks like an identity is left alone", () => {
  for (const { name, records } of streams()) {
    const texts = records.flatMap((it) => recordsToEvents(it)).map((event) => event.text);
    assert.ok(texts.some((text) => text.includes('"record":{"source":{"function":"a",')), name);
  }
});

test("a file of many records reads like its records", () => {
  for (const { name, records } of streams()) {
    const file = Buffer.concat(records.flatMap((record) => deaggregate(inflate(record))));
    assert.deepEqual(linesToEvents(file), records.flatMap((it) => recordsToEvents(it)), name);
  }
});

test("an event whose part is missing is named with the part", () => {
  for (const { events, records } of streams({ envelope: "record" })) {
    const kept = records.filter((record) => recordsToEvents(record)[0].part !== 2);
    const report = collected(kept).report(events[0].instance);
    assert.deepEqual(report.incomplete.map(([, parts]) => parts), [[[2, 2]]]);
    assert.equal(report.isExplained, false);
  }
});

test("what is damaged is a bad record", () => {
  const compressed = [...streams({ compression: "gzip" }), ...streams({ compression: "zstd" })];
  for (const { name, records } of [...compressed, ...streams({ format: "kpl" })]) {
    const record = records.filter((it) => it[0] !== "{".charCodeAt(0)).sort((a, b) => b.length - a.length)[0];
    for (const cut of [5, record.length - 30]) {
      assert.throws(() => recordsToEvents(record.subarray(0, -cut)), BadRecord, name);
    }
  }
  const bad = ["", "no JSON\n", "[1]\n", '{"its":"end"}', Buffer.from([0x22, 0xff, 0x22]), Buffer.from([0xf3, 0x89, 0x9a, 0xc2, 1, 2])];
  for (const data of bad) assert.throws(() => recordsToEvents(data), BadRecord);
});

test("a record that lacks lines keeps the others and names the gap", () => {
  const [{ records }] = streams({ compression: "none", envelope: "record" });
  const record = records.map(String).find((it) => it.split("\n").length > 3);
  const shorter = record.split("\n").slice(0, -2).join("\n");
  const badLines = [];
  const events = recordsToEvents(Buffer.from(`${shorter}\n`), badLines);
  assert.deepEqual(events, recordsToEvents(record).slice(0, -1));
  assert.match(badLines[0].reason, /1 events are missing/);
});

/** A line of instance `i`. */
const ofInstance = (seq, text = '{"type":"function"', more = "") => `${text},"source":{"instance":"i","seq":${seq}${more}}}\n`;

const BAD_LINES = [
  "not JSON",
  "[]",
  '"text"',
  Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  '{"record":NaN}',
  '{"a":1} {"b":2}',
  '{"type":"kinesis-telemetry.record"}',
  '{"type":"kinesis-telemetry.record","source":{"instance":"i","seq":1,"events":"3"}}',
  '{"type":"kinesis-telemetry.record","source":{"instance":"i","seq":1,"events":1000000000000}}',
  '{"type":"kinesis-telemetry.part","record":"x"}',
  '{"type":"kinesis-telemetry.part","record":"x","source":{"instance":"i","seq":3,"part":1}}',
  '{"type":"kinesis-telemetry.part","record":"x","source":{"instance":"i","seq":3,"part":3,"parts":2}}',
  '{"type":"kinesis-telemetry.part","record":"x","source":{"instance":"i","seq":3,"part":1,"parts":1000000000000}}',
  '{"type":"kinesis-telemetry.part","record":"\\ud800","source":{"instance":"i","seq":3,"part":1,"parts":2}}',
  '{"type":"kinesis-telemetry.part","record":[],"source":{"instance":"i","seq":3,"part":1,"parts":2}}',
  '{"type":"function","source":{"instance":"i","seq":3,"part":1,"parts":2}}',
  '{"type":"function","source":{"instance":"i","seq":[3]}}',
  '{"type":"function","source":{"instance":"i","seq":true}}',
  '{"type":"function","source":{"instance":"i","seq":0}}',
  '{"type":"function","source":{"instance":"i","seq":9007199254740992}}',
  `{"type":"function","source":{"instance":"i","seq":${"9".repeat(6000)}}}`,
  '{"type":"function","source":{"instance":7,"seq":3}}',
  '{"type":"function","source":{"instance":"","seq":3}}',
  '{"type":"function","source":{"instance":"i"}}',
  '{"type":"function","source":{"seq":3}}',
  '{"type":"function","source":{"function":"\\ud800","instance":"i","seq":3}}',
  '{"type":"function","source":{"function":{},"instance":"i","seq":3}}',
  '{"type":"function","source":{"instance":"i","seq":3,"\\ud800":"x"}}',
  `{"type":"function","source":{"instance":"i","seq":${"[".repeat(5000)}${"]".repeat(5000)}}}`,
  `{"type":"kinesis-telemetry.record","source":{"instance":"i","seq":1,"events":2000,"x":"${"x".repeat(16_000)}"}}`,
].map((it) => Buffer.from(it));

test("a bad line is reported, and its neighbours are kept", (t) => {
  const [first, second] = [1, 2].map((seq) => Buffer.from(ofInstance(seq)));
  const between = (bad) => Buffer.concat([first, bad, Buffer.from("\n"), second]);
  for (const bad of BAD_LINES) {
    const badLines = [];
    const events = recordsToEvents(between(bad), badLines).filter(({ instance }) => instance !== undefined);
    assert.deepEqual(events.map(({ seq }) => seq), [1, 2], String(bad));
    assert.deepEqual(badLines.map(({ number, line }) => [number, line]), [[2, bad]]);
  }
  const warn = t.mock.method(console, "warn", () => {});
  recordsToEvents(between(Buffer.from([0x1b, 0x5d, 0xc2, 0x9b])));
  assert.match(warn.mock.calls[0].arguments[0], /^[ -~]+$/);
});

test("an event of any shape is read, whatever the parser can take", () => {
  const texts = [`{"record":${"[".repeat(100_000)}${"]".repeat(100_000)}`, `{"record":${"9".repeat(6000)}`];
  texts.push(`{"record":"${"x".repeat(300_000)}"`, '{"record":{"source":{"function":"x","instance":"x","seq":9}}');
  for (const text of texts) {
    const [event] = recordsToEvents(Buffer.from(ofInstance(1, text)));
    assert.deepEqual([event.instance, event.seq, event.text], ["i", 1, `${text}}`]);
    assert.equal(`${event.line}\n`, ofInstance(1, text));
  }
});

test("without a decompressor the error says what is needed", () => {
  const { zstd } = decompressors;
  decompressors.zstd = undefined;
  try {
    assert.throws(() => inflate(streams({ compression: "zstd" })[0].records[0]), /zlib.zstdDecompressSync, or/);
  } finally {
    decompressors.zstd = zstd;
  }
});

test("a ledger that names more numbers than it means explains no more than it means", () => {
  const record = { instance: "i", upTo: 6, shedRanges: [{ first: 1, last: 6, events: 2 }] };
  const source = { function: "f", version: "1", instance: "i" };
  const collector = collected([line({ type: "kinesis-telemetry.ledger", record, source: { ...source, seq: 7 } })]);
  const { shed, missing, uncounted, isExplained } = collector.report("i");
  assert.deepEqual([shed, missing, uncounted, isExplained], [[[1, 6]], [], 4, false]);
  for (const seq of [1, 2, 3, 4]) collector.add(line({ type: "function", source: { ...source, seq } }));
  assert.equal(collector.report("i").isExplained, true);
});

test("what a ledger counts as sampled out is not missing", () => {
  const sampledOut = { invocations: 9, events: 90, bytes: 40_000 };
  const record = { instance: "i", upTo: 2, read: 99, undecided: 7, lateRemarkable: 1, sampledOut, other: null };
  const ledger = ofInstance(3, JSON.stringify({ type: "kinesis-telemetry.ledger", record }).slice(0, -1));
  const report = collected([Buffer.from(ofInstance(1) + ofInstance(2) + ledger)]).report("i");
  assert.deepEqual([report.events, report.last, report.ledger], [3, 3, record]);
  assert.deepEqual([report.missing, report.shed, report.isExplained], [[], [], true]);
});

test("an implausible ledger explains nothing", () => {
  const shed = { first: 1, last: 6, events: 6 };
  for (const record of [
    { upTo: 6, shedRanges: [{ ...shed, events: 99 }] },
    { upTo: 6, shedRanges: [{ ...shed, last: 7 }] },
    { upTo: 6, shedRanges: [shed, shed] },
    "x",
    { upTo: 1e12, shedRanges: [shed] },
    { upTo: 7, shedRanges: [shed] },
    { upTo: "6", shedRanges: [shed] },
    { upTo: 6, shedRanges: { first: 1 } },
    { upTo: 6, shedRanges: [{ ...shed, first: null }] },
    { upTo: 6, shedRanges: [{ ...shed, last: 1e40 }] },
  ]) {
    const text = JSON.stringify({ type: "kinesis-telemetry.ledger", record }).slice(0, -1);
    const { ledger, missing, last } = collected([Buffer.from(ofInstance(7, text))]).report("i");
    assert.deepEqual([ledger, missing, last], [undefined, [[1, 6]], 7]);
  }
});

test("a huge number costs one range", () => {
  const most = Number.MAX_SAFE_INTEGER;
  const { missing } = collected([Buffer.from(ofInstance(most) + ofInstance(3))]).report("i");
  assert.deepEqual(missing, [[1, 2], [4, most - 1]]);
});

test("parts that disagree on their number do not spoil an event", () => {
  const part = (part, parts, text) =>
    ofInstance(1, `{"type":"kinesis-telemetry.part","record":"${text}"`, `,"part":${part},"parts":${parts}`);
  const collector = collected([Buffer.from(part(2, 65_536, "forged"))]);
  assert.deepEqual(collector.report("i").incomplete, [[1, [[1, 1], [3, 65_536]]]]);
  collector.add(Buffer.from(part(1, 2, "{") + part(2, 2, "}")));
  assert.deepEqual(collector.events("i").map(({ text }) => text), ["{}"]);
});

test("parts that join to no event are counted", () => {
  const part = (text, seq) => Buffer.from(ofInstance(seq, `{"type":"kinesis-telemetry.part","record":"${text}"`, ',"part":1,"parts":1'));
  const collector = collected(["abc", "[]", "{"].map((text, at) => part(text, at + 1)));
  assert.deepEqual([collector.unjoinable, collector.events("i")], [3, []]);
  collector.add(part("{\\n\\r}\\n", 4));
  assert.equal(collector.events("i")[0].line, '{  "source":{"instance":"i","seq":4}}');
});

test("a value that cannot be parsed is a bad event without a quotation", () => {
  const text = `{"a":"\u001b[31m${"x".repeat(300_000)}"`;
  const [event] = recordsToEvents(Buffer.from(ofInstance(1, text)));
  assert.throws(() => event.value, (error) => error instanceof BadRecord && error.message === "the event cannot be parsed");
});

test("labels and further members of source are kept", () => {
  const line = ofInstance(1, undefined, ',"tenantId":"blue","account":"111122223333"');
  const [event] = recordsToEvents(Buffer.from(line));
  assert.deepEqual(event.labels, { tenantId: "blue", account: "111122223333" });
  assert.equal(`${event.line}\n`, line);
});
