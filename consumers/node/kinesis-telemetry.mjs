// From the records of a stream to the events that Lambda generated, byte for byte.
//
// One module without dependencies: copy it. docs/consuming.md describes the format, README.md says the oldest Node. Only
// records with COMPRESSION=zstd need more: a Node whose zlib has zstdDecompressSync, or a function of yours that does it:
// `decompressors.zstd`.

import { createHash } from "node:crypto";
import zlib from "node:zlib";

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const AGGREGATE = Buffer.from([0xf3, 0x89, 0x9a, 0xc2]);
const CHECKSUM_BYTES = 16;

const PART = "kinesis-telemetry.part";
const RECORD = "kinesis-telemetry.record";
const LEDGER = "kinesis-telemetry.ledger";

/** A record that this module cannot read: damaged, or not written by the extension. */
export class BadRecord extends Error {}

/** Buffer to Buffer. Set `zstd` where Node has none of its own. */
export const decompressors = {
  gzip: zlib.gunzipSync,
  zstd: zlib.zstdDecompressSync,
};

/**
 * An event, or a part of one: `text` is its JSON as Lambda wrote it, without `source`; of a part, a piece of that. The
 * other members (`function`, `version`, `instance`, `seq`, `requestId`, `part`, `parts`) are those of `source`, and
 * undefined where the envelope carries no identity.
 */
export class Event {
  constructor(text, source = {}) {
    const { function: name, version, instance, seq, requestId, part, parts } = source;
    Object.assign(this, { text, function: name, version, instance, seq, requestId, part, parts });
  }

  /** Two events with one identity are one event that came twice. */
  get identity() {
    return JSON.stringify([this.instance, this.seq, this.part]);
  }

  /** The event, read. Not for parts. */
  get value() {
    return JSON.parse(this.text);
  }

  /** As a line of NDJSON, without the line break: the event with `source` as its last member, where it has any. */
  get line() {
    if (this.instance === undefined) return this.text;
    const { function: name, version, instance, seq, requestId, part, parts } = this;
    const source = JSON.stringify({ function: name, version, instance, seq, requestId, part, parts });
    const whole = part === undefined ? this.text : JSON.stringify({ type: PART, record: this.text });
    const own = whole.slice(0, -1);
    return `${own}${own.trimEnd().endsWith("{") ? "" : ","}"source":${source}}`;
  }
}

/** The events of one record, in their order. Parts stay parts: a Collector joins them. */
export function recordsToEvents(data) {
  const events = deaggregate(inflate(Buffer.from(data))).flatMap(linesToEvents);
  if (events.length === 0) throw new BadRecord("it holds no event");
  return events;
}

/** The data of a record without its compression, which it tells by its first bytes. */
export function inflate(data) {
  const name = startsWith(data, GZIP) ? "gzip" : startsWith(data, ZSTD) ? "zstd" : undefined;
  if (name === undefined) return data;
  const decompress = decompressors[name];
  if (decompress === undefined) {
    throw new Error("records with COMPRESSION=zstd need a Node that has zlib.zstdDecompressSync, or decompressors.zstd");
  }
  let inflated;
  try {
    inflated = Buffer.from(decompress(data));
  } catch (error) {
    throw new BadRecord(`it cannot be decompressed: ${error.message}`, { cause: error });
  }
  // Node's own zstdDecompressSync gives what there is of a frame that breaks off, and no error.
  if (name === "zstd" && inflated.length < (contentSize(data) ?? 0)) {
    throw new BadRecord("it cannot be decompressed: it breaks off");
  }
  return inflated;
}

/** How many bytes a Zstandard frame says that it holds, if it does (RFC 8878, 3.1.1.1). */
function contentSize(frame) {
  if (frame.length < 18) return undefined;
  const descriptor = frame[4];
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3];
  switch (descriptor >> 6) {
    case 0:
      return isSingleSegment ? frame[at] : undefined;
    case 1:
      return frame.readUInt16LE(at) + 256;
    case 2:
      return frame.readUInt32LE(at);
    default:
      return Number(frame.readBigUInt64LE(at));
  }
}

/** The records inside an aggregate of the Kinesis Producer Library. What is none comes back as it is. */
export function deaggregate(data) {
  if (!startsWith(data, AGGREGATE)) return [data];
  const message = data.subarray(AGGREGATE.length, -CHECKSUM_BYTES);
  const checksum = data.subarray(-CHECKSUM_BYTES);
  if (!createHash("md5").update(message).digest().equals(checksum)) {
    throw new BadRecord("the checksum of an aggregate is not that of its content");
  }
  const records = fields(message).filter(([number]) => number === 3);
  return records.map(([, record]) => fields(record).find(([number]) => number === 3)?.[1] ?? Buffer.alloc(0));
}

const startsWith = (data, magic) => data.subarray(0, magic.length).equals(magic);

/** Numbers and values of a protobuf message's fields, as far as aggregates have them. */
function fields(message) {
  const found = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; at < message.length; scale *= 128) {
      const byte = message[at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new BadRecord("an aggregate breaks off");
  };
  while (at < message.length) {
    const tag = varint();
    const value = varint();
    if ((tag & 7) === 0) {
      found.push([tag >> 3, Buffer.alloc(0)]);
    } else if ((tag & 7) === 2 && at + value <= message.length) {
      found.push([tag >> 3, message.subarray(at, at + value)]);
      at += value;
    } else {
      throw new BadRecord("an aggregate breaks off, or is of a kind that is unknown");
    }
  }
  return found;
}

/** The events of NDJSON: of a record, or of a file that Firehose has made of many. */
export function linesToEvents(data) {
  const events = [];
  let head;
  let following = 0;
  const text = utf8(data);
  if (text !== "" && !text.endsWith("\n")) throw new BadRecord("its last line has no end");
  for (const line of text.split("\n").filter((line) => line !== "")) {
    const value = object(line);
    if (following > 0) {
      events.push(new Event(line, { ...head, seq: head.seq + head.events - following }));
      following -= 1;
    } else if (value.type === RECORD) {
      head = value.source;
      following = head.events;
    } else {
      events.push(identified(line, value));
    }
  }
  if (following > 0) throw new BadRecord(`${following} events are missing that its first line announces`);
  return events;
}

function utf8(data) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch (error) {
    throw new BadRecord("it is not UTF-8", { cause: error });
  }
}

function object(line) {
  let value;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new BadRecord(`a line is not JSON: ${error.message}`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new BadRecord("a line is not a JSON object");
  }
  return value;
}

/** An event with an identity of its own, or with none. */
function identified(line, value) {
  const { source } = value;
  if (source?.instance === undefined || source.seq === undefined) return new Event(line);
  if (value.type === PART) return new Event(value.record, source);
  // `source` is the last member, and nothing inside it can look like its beginning. The rest is not parsed and written
  // again: 1.0 must not become 1.
  const own = line.slice(0, line.lastIndexOf('"source":{"function":'));
  return new Event(`${own.endsWith(",") ? own.slice(0, -1) : own}}`, source);
}

/** Puts events in order, drops duplicates, joins parts, and tells what is missing. */
export class Collector {
  /** Events and parts that came again. */
  duplicates = 0;
  /** Events without identity, as they came. */
  anonymous = [];
  #instances = new Map();

  /** Takes a record; gives the whole events that are new. */
  add(data) {
    return this.addEvents(recordsToEvents(data));
  }

  /** Takes events, parts among them; gives the whole events that are new. */
  addEvents(events) {
    return events.map((event) => this.#take(event)).filter((event) => event !== undefined);
  }

  /** Whose events have arrived. */
  instances() {
    return [...this.#instances.keys()].sort();
  }

  /** The whole events of an instance, by number. */
  events(instance) {
    const events = this.#instances.get(instance)?.events ?? new Map();
    return [...events.values()].sort((a, b) => a.seq - b.seq);
  }

  /**
   * What is known of an instance.
   *
   * `events`: whole events that arrived, duplicates not counted. `last`: the largest number that is known to have been given.
   * `ledger`: what the last ledger that arrived says. `missing`: numbers that nothing explains, which are on their way, in
   * a dead letter, or in the spill file of an environment. `incomplete`: the same of events in parts, [number, its missing
   * parts]. `shed`: numbers that did not arrive, and that the ledger says were given up. `uncounted`: how many of `shed`
   * are more than it counts, for it may draw ranges together, but says how many it means. `isExplained`: whether all up to
   * `last` arrived or was given up.
   */
  report(instance) {
    const { events, parts, ledger } = this.#instances.get(instance) ?? empty();
    const last = [...events.keys(), ...parts.keys(), ledger?.upTo ?? 0].reduce((a, b) => Math.max(a, b), 0);
    const absent = Array.from({ length: last }, (_, index) => index + 1).filter((seq) => !events.has(seq));
    const shed = [];
    let uncounted = 0;
    for (const range of ledger?.shedRanges ?? []) {
      const inside = absent.filter((seq) => range.first <= seq && seq <= range.last);
      shed.push(...inside);
      uncounted += Math.max(0, inside.length - range.events);
    }
    const given = new Set(shed);
    const open = absent.filter((seq) => !given.has(seq));
    const incomplete = open.filter((seq) => parts.has(seq)).map((seq) => [seq, without(parts.get(seq))]);
    const missing = open.filter((seq) => !parts.has(seq));
    const isExplained = missing.length + incomplete.length + uncounted === 0;
    return { events: events.size, last, ledger, missing, incomplete, shed, uncounted, isExplained };
  }

  #take(event) {
    if (event.instance === undefined) {
      this.anonymous.push(event);
      return event;
    }
    if (!this.#instances.has(event.instance)) this.#instances.set(event.instance, empty());
    const of = this.#instances.get(event.instance);
    const known = of.parts.get(event.seq);
    if (of.events.has(event.seq) || (event.part !== undefined && known?.has(event.part))) {
      this.duplicates += 1;
      return undefined;
    }
    const whole = event.part === undefined ? event : joined(of.parts, event);
    if (whole === undefined) return undefined;
    of.events.set(whole.seq, whole);
    // Its type stands near the beginning; only what holds the word is worth reading.
    if (whole.text.slice(0, 200).includes(LEDGER)) {
      const { type, record } = whole.value;
      if (type === LEDGER && !(of.ledger?.upTo >= record.upTo)) of.ledger = record;
    }
    return whole;
  }
}

const empty = () => ({ events: new Map(), parts: new Map(), ledger: undefined });

/** Files a part; gives the event when this was the last one that was missing. */
function joined(all, event) {
  const parts = all.get(event.seq) ?? new Map();
  all.set(event.seq, parts.set(event.part, event));
  if (parts.size < event.parts) return undefined;
  all.delete(event.seq);
  const text = [...parts.keys()].sort((a, b) => a - b).map((number) => parts.get(number).text);
  return new Event(text.join(""), { ...event, part: undefined, parts: undefined });
}

function without(parts) {
  const [{ parts: of }] = parts.values();
  return Array.from({ length: of }, (_, index) => index + 1).filter((number) => !parts.has(number));
}
