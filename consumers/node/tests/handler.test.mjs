// Tests the handler with batches as Lambda delivers them, and the failures that it returns.

import assert from "node:assert/strict";
import test from "node:test";

import { handlerFor } from "../handler.mjs";
import { recordsToEvents } from "kinesis-telemetry-consumer";
import { streams } from "./streams.mjs";

const batch = (records) => ({
  Records: records.map((data, at) => ({ kinesis: { sequenceNumber: `${at}`, data: Buffer.from(data).toString("base64") } })),
});

test("every record of a batch is stored", async () => {
  for (const { records } of streams()) {
    const stored = [];
    const answer = await handlerFor((events) => stored.push(...events))(batch(records));
    assert.deepEqual(answer, { batchItemFailures: [] });
    assert.deepEqual(stored, records.flatMap((it) => recordsToEvents(it)));
  }
});

test("the first record that is not stored is where Lambda goes on", async (t) => {
  t.mock.method(console, "error", () => {});
  const stored = [];
  const store = async (events) => {
    if (stored.length > 0) throw new Error("the database is unavailable");
    stored.push(events);
  };
  const answer = await handlerFor(store)(batch(streams()[0].records.slice(0, 3)));
  assert.deepEqual(answer, { batchItemFailures: [{ itemIdentifier: "1" }] });
  assert.equal(stored.length, 1);
});

test("a record that cannot be read is skipped", async (t) => {
  t.mock.method(console, "error", () => {});
  const stored = [];
  const [first, second] = streams()[0].records;
  const answer = await handlerFor(async (events) => stored.push(events))(batch([first, "not ours\n", second]));
  assert.deepEqual([answer, stored.length], [{ batchItemFailures: [] }, 2]);
});
