// Turns the records of a stream into the events that Lambda generated, byte for byte.
//
// docs/consuming.md of kinesis-telemetry-extension describes the format. Records with COMPRESSION=zstd need a Node whose zlib has zstdDecompressSync, or a
// function of your own: `decompressors.zstd`.
//
// Any function that may write to the stream can write any bytes. A record that cannot be read throws `BadRecord` and nothing
// else; a line that cannot be read costs only itself. Limits (`MAX_…`) bound time and memory for every input.

export { Collector } from "./kinesis-telemetry/collector.mjs";
export { Event, linesToEvents, recordsToEvents } from "./kinesis-telemetry/lines.mjs";
export { BadEvent, BadRecord, deaggregate, decompressors, inflate } from "./kinesis-telemetry/records.mjs";

/** @typedef {import("./kinesis-telemetry/collector.mjs").Report} Report */
/** @typedef {import("./kinesis-telemetry/lines.mjs").BadLine} BadLine */
