// The de-aggregation library that AWS has published for Node (the package aws-kinesis-agg), on our aggregates.

import assert from "node:assert/strict";
import test from "node:test";

import { deaggregate } from "kinesis-telemetry-consumer";
import { installed, streams } from "./streams.mjs";

const published = installed("aws-kinesis-agg");

test("it makes the same records of our aggregates as our own code", { skip: published === undefined }, () => {
  let aggregates = 0;
  for (const { records, keys } of streams({ format: "kpl" })) {
    records.forEach((data, at) => {
      const record = { data: data.toString("base64"), partitionKey: keys[at], sequenceNumber: "1" };
      let theirs;
      published.deaggregateSync(record, true, (error, found) => {
        assert.equal(error ?? undefined, undefined);
        theirs = found ?? theirs;
      });
      assert.deepEqual(theirs.map((it) => Buffer.from(it.data, "base64")), deaggregate(data));
      assert.ok(theirs.every((it) => it.partitionKey === keys[at]));
      aggregates += theirs.length > 1 ? 1 : 0;
    });
  }
  assert.ok(aggregates > 10);
});
