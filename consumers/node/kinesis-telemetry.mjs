// Turns the records of a stream into the events that Lambda generated, byte for byte.
//
// This module has no dependencies: copy it with the folder of the same name. docs/consuming.md describes the format, README.md
// the oldest supported Node. Records with COMPRESSION=zstd need a Node whose zlib has zstdDecompressSync, or a function of your
// own: `decompressors.zstd`.
//
// Any function that may write to the stream can write any bytes. A record that cannot be read throws `BadRecord` and nothing
// else; a line that cannot be read costs only itself. Limits (`MAX_…`) bound time and memory for every input.

export { Collector } from "./kinesis-telemetry/collector.mjs";
export { Event, linesToEvents, recordsToEvents } from "./kinesis-telemetry/lines.mjs";
export { BadEvent, BadRecord, deaggregate, decompressors, inflate } from "./kinesis-telemetry/records.mjs";
