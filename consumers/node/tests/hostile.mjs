// Reads the hostile records that `xtask/model/src/bin/hostile.rs` has written, and prints what it describes.
//
//   cargo run --package xtask-model --bin hostile -- write hostile.jsonl 1 1000
//   node tests/hostile.mjs hostile.jsonl        (in the folder consumers/node)

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

import { BadRecord, Collector, recordsToEvents } from "kinesis-telemetry-consumer";
import "./streams.mjs";

function read(data) {
  let events;
  try {
    events = recordsToEvents(data, []);
  } catch (error) {
    if (error instanceof BadRecord) return [];
    throw error;
  }
  const collector = new Collector();
  collector.addEvents(events);
  for (const instance of collector.instances()) collector.report(instance);
  return events
    .filter(({ instance, line }) => instance !== undefined && line !== "")
    .map(({ instance, seq, part, text }) => [instance, seq, part ?? null, Buffer.byteLength(text)]);
}

for await (const line of createInterface({ input: createReadStream(process.argv[2]) })) {
  const data = Buffer.from(JSON.parse(line).data, "base64");
  const began = process.cpuUsage();
  const events = read(data);
  const { user, system } = process.cpuUsage(began);
  console.log(JSON.stringify({ events, seconds: (user + system) / 1e6 }));
}
console.log(JSON.stringify({ peakKiB: process.resourceUsage().maxRSS }));
