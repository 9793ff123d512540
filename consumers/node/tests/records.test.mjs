// From records to events, and what a Collector knows.

import assert from "node:assert/strict";
import test from "node:test";

import { BadRecord, Collector, deaggregate, decompressors } from "../kinesis-telemetry.mjs";
import { inflate, linesToEvents, recordsToEvents } from "../kinesis-telemetry.mjs";
import { streams } from "./streams.mjs";

const collected = (records) => {
  const collector = new Collector();
  for (const record of records) collector.add(record);
  return collector;
};
const all = (collector) => collector.instances().flatMap((it) => collector.events(it));
const expected = ({ events }) => events.map(({ instance, seq, text }) => ({ instance, seq, text }));
const pairs = (collector, name) => collector.instances().flatMap((it) => collector.report(it)[name].map((n) => [it, n]));
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
  for (const event of streams().flatMap(({ records }) => records.flatMap(recordsToEvents))) {
    assert.deepEqual(linesToEvents(Buffer.from(`${event.line}\n`)), [event]);
  }
});

test("the text of a log line that looks like an identity is left alone", () => {
  for (const { name, records } of streams()) {
    const texts = records.flatMap(recordsToEvents).map((event) => event.text);
    assert.ok(texts.some((text) => text.includes('"record":{"source":{"function":"a",')), name);
  }
});

test("a file of many records reads like its records", () => {
  for (const { name, records } of streams()) {
    const file = Buffer.concat(records.flatMap((record) => deaggregate(inflate(record))));
    assert.deepEqual(linesToEvents(file), records.flatMap(recordsToEvents), name);
  }
});

test("an event whose part is missing is named with the part", () => {
  for (const { events, records } of streams({ envelope: "record" })) {
    const kept = records.filter((record) => recordsToEvents(record)[0].part !== 2);
    const report = collected(kept).report(events[0].instance);
    assert.deepEqual(report.incomplete.map(([, parts]) => parts), [[2]]);
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

test("a record whose lines are fewer than its first one says is bad", () => {
  const [{ records }] = streams({ compression: "none", envelope: "record" });
  const record = records.map(String).find((it) => it.split("\n").length > 3);
  const shorter = record.split("\n").slice(0, -2).join("\n");
  assert.throws(() => recordsToEvents(Buffer.from(`${shorter}\n`)), /1 events are missing/);
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
  assert.deepEqual([shed, missing, uncounted, isExplained], [[1, 2, 3, 4, 5, 6], [], 4, false]);
  for (const seq of [1, 2, 3, 4]) collector.add(line({ type: "function", source: { ...source, seq } }));
  assert.equal(collector.report("i").isExplained, true);
});
