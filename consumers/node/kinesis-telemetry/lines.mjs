// The lines of a record: one event each, with its identity.

import { asBuffer, BadEvent, BadRecord, deaggregate, inflate, MAX_INFLATED_BYTES, MAX_LINES } from "./records.mjs";

const PART = "kinesis-telemetry.part";
const RECORD = "kinesis-telemetry.record";
const PART_BEGINS = `{"type":"${PART}","record":"`;

/** Largest `seq`: the largest integer that every JSON parser reads exactly (RFC 8259, section 6). */
export const MAX_NUMBER = Number.MAX_SAFE_INTEGER;
/** Most parts of an event. The largest event has about 6,000 parts with the smallest `MAX_RECORD_BYTES`. */
export const MAX_PARTS = 65_536;
/** Longest `source`. Lambda bounds all environment variables together, and so every label, to 4 KiB. */
export const MAX_SOURCE_BYTES = 16_384;
/**
 * Longest event that is checked to be JSON: the limit of a log line. Longer ones are delivered without the check, because
 * their parsed form can take many times the memory.
 */
export const MAX_PARSED_BYTES = 262_144;

/** Members of `source` that are numbers from 1, with the largest; all others are text. */
const COUNTS = new Map([["seq", MAX_NUMBER], ["part", MAX_PARTS], ["parts", MAX_PARTS], ["events", MAX_LINES]]);

/**
 * A line that cannot be read: its number in its record, its aggregated record or its file, from 1; the reason, for people; and
 * the line without its line break.
 *
 * @typedef {{ number: number, reason: string, line: Uint8Array }} BadLine
 */

/**
 * An event, or a part of one. Without an identity (`ENVELOPE=none`) all properties but `text` are undefined.
 */
export class Event {
  /** The event's JSON as Lambda wrote it, without `source`. For a part: a fragment of that. @type {string} */
  text;
  /** The name of the function. @type {string | undefined} */
  function;
  /** The version of the function. @type {string | undefined} */
  version;
  /** The extension process that numbered the event. @type {string | undefined} */
  instance;
  /** The number of the event within its instance, from 1. @type {number | undefined} */
  seq;
  /** The invocation that a log line belongs to, if the line does not name it. @type {string | undefined} */
  requestId;
  /** The number of this part, from 1. @type {number | undefined} */
  part;
  /** The number of parts. @type {number | undefined} */
  parts;
  /** All other members of `source`: `tenantId`, those of `LABELS`, and those of later releases. @type {Record<string, string> | undefined} */
  labels;

  /**
   * @param {string} text
   * @param {Partial<Omit<Event, "text" | "identity" | "value" | "line">>} [source]
   */
  constructor(text, source = {}) {
    this.text = text;
    ({ function: this.function, version: this.version, instance: this.instance, seq: this.seq } = source);
    ({ requestId: this.requestId, part: this.part, parts: this.parts, labels: this.labels } = source);
  }

  /** Two events with the same identity are duplicates. */
  get identity() {
    return JSON.stringify([this.instance, this.seq, this.part]);
  }

  /**
   * The parsed event, which may take many times the memory of its text. Throws BadEvent for a part, and for text that is no JSON.
   *
   * @returns {any}
   */
  get value() {
    try {
      return JSON.parse(this.text);
    } catch (error) {
      // V8's message quotes the text.
      throw new BadEvent("the event cannot be parsed", { cause: error });
    }
  }

  /**
   * The event as a line of NDJSON without the line break, with `source` as its last member if it has an identity.
   *
   * @returns {string}
   */
  get line() {
    if (this.instance === undefined) return onOneLine(this.text);
    const { function: name, version, instance, seq, requestId, part, parts, labels } = this;
    const source = JSON.stringify({ function: name, version, instance, seq, requestId, part, parts, ...labels });
    const whole = part === undefined ? this.text : JSON.stringify({ type: PART, record: this.text });
    const own = onOneLine(whole).trimEnd().slice(0, -1);
    return `${own}${own.trimEnd().endsWith("{") ? "" : ","}"source":${source}}`;
  }
}

/** Replaces line breaks between the tokens of an event that was joined from parts. In strings JSON escapes them. */
const onOneLine = (text) => text.replace(/[\r\n]/g, " ");

/**
 * Returns the events of one record in their order. Parts stay parts: a Collector joins them.
 *
 * Lines that cannot be read are pushed to `badLines`; without that array, one warning is printed.
 * Throws BadRecord if the record is damaged, is larger than the limits of this module, or holds no event.
 *
 * @param {Uint8Array} data
 * @param {BadLine[]} [badLines]
 */
export function recordsToEvents(data, badLines) {
  const bad = badLines ?? [];
  const records = deaggregate(inflate(data));
  let count = 0;
  for (const lines of records) {
    for (let at = lines.indexOf(10); at >= 0; at = lines.indexOf(10, at + 1)) count += 1;
    if (count > MAX_LINES) throw new BadRecord(`it holds more than ${MAX_LINES} lines`);
  }
  const events = records.flatMap((lines) => [...read(lines, bad)]);
  if (events.length === 0) throw new BadRecord(`it holds no event${bad.length > 0 ? `: ${bad[0].reason}` : ""}`);
  if (badLines === undefined) warn(bad);
  return events;
}

/**
 * Returns the events of NDJSON: of a record's content, or of a file that Firehose has written.
 *
 * Lines that cannot be read are pushed to `badLines`; without that array, one warning is printed.
 *
 * @param {Uint8Array} data
 * @param {BadLine[]} [badLines]
 */
export function linesToEvents(data, badLines) {
  const bad = badLines ?? [];
  const events = [...read(asBuffer(data), bad)];
  if (badLines === undefined) warn(bad);
  return events;
}

function warn(badLines) {
  if (badLines.length === 0) return;
  const [{ number, reason, line }] = badLines;
  console.warn(`unreadable lines: ${badLines.length}; the first is line ${number}: ${reason}: ${quoted(line.toString("latin1", 0, 100))}`);
}

/** Returns the beginning of a value in printable ASCII: neither a log nor a terminal must take it for anything else. */
const quoted = (value) => (typeof value === "object" ? "an object" : JSON.stringify(String(value).slice(0, 100)).replace(/[^ -~]/g, "?"));

function* read(data, badLines) {
  // With ENVELOPE=record: the identity of the lines that follow the first one, the next number, and how many follow.
  /** @type {any} */
  let head;
  let [seq, following] = [0, 0];
  let number = 0;
  for (let at = 0; at < data.length; ) {
    const end = data.indexOf(10, at);
    const line = data.subarray(at, end < 0 ? data.length : end);
    [at, number] = [end < 0 ? data.length : end + 1, number + 1];
    if (line.length === 0) continue;
    try {
      const isNumbered = following > 0;
      if (isNumbered) [seq, following] = [seq + 1, following - 1];
      if (end < 0) throw new BadRecord("the line does not end");
      if (isNumbered) {
        yield new Event(object(line).text, { ...head, seq: seq - 1 });
        continue;
      }
      const { text, source } = identified(line);
      if (source?.events === undefined) yield new Event(text, source);
      else [head, seq, following] = [source, source.seq, source.events];
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      badLines.push({ number, reason: error.message, line });
    }
  }
  if (following > 0) {
    badLines.push({ number, reason: `${following} events are missing that the first line announces`, line: Buffer.alloc(0) });
  }
}

/** Returns the text of an event, or the fragment in a part of one, and its `source`, if it has an identity. */
function identified(line) {
  const { own, source } = cut(line);
  const { text, members } = object(own);
  const kind = text.startsWith(PART_BEGINS) ? PART : members.type;
  if ((kind === PART) !== (source?.part !== undefined) || (kind === RECORD) !== (source?.events !== undefined)) {
    throw new BadRecord("the type of the line does not fit its source");
  }
  if (kind !== PART) return { text, source };
  // Of a long part only the string is parsed, which takes no more memory than its text.
  const fragment = Object.hasOwn(members, "record") ? members.record : parse(text.slice(PART_BEGINS.length - 1, -1));
  requireText("record", fragment);
  return { text: fragment, source };
}

/** Cuts off the `source` that the extension has added as the last member. The rest keeps its bytes: 1.0 must not become 1. */
function cut(line) {
  // Quotes inside a string are escaped, so nothing in a string can look like this.
  const at = line.lastIndexOf('"source":{');
  const hasComma = at > 0 && line[at - 1] === ",".charCodeAt(0);
  const own = line.subarray(0, Math.max(at - (hasComma ? 1 : 0), 0));
  const isFirst = own.length < 100 && own.toString().trim() === "{";
  const isLast = line.subarray(-2).toString() === "}}" && line.length - at <= MAX_SOURCE_BYTES;
  if (at < 0 || hasComma === isFirst || !isLast) return { own: line };
  let source;
  try {
    source = parse(decoded(line.subarray(at + '"source":'.length, -1)));
  } catch {
    // It belongs to the event: to a member that holds objects.
    return { own: line };
  }
  if (source.instance === undefined && source.seq === undefined) return { own: line };
  requireIdentity(source, line.length - at);
  const { function: name, version, instance, seq, requestId, part, parts, events, ...rest } = source;
  // One object for all events that a head announces.
  const labels = Object.keys(rest).length > 0 ? rest : undefined;
  const members = { function: name, version, instance, seq, requestId, part, parts, events, labels };
  return { own: Buffer.concat([own, Buffer.from("}")]), source: members };
}

function requireIdentity(source, length) {
  for (const [name, value] of Object.entries(source)) {
    const most = COUNTS.get(name);
    if (most === undefined) {
      requireText("a name", name);
      requireText(name, value);
    } else if (!Number.isSafeInteger(value) || value < 1 || value > most) {
      throw new BadRecord(`${name} is ${quoted(value)}, and must be a number from 1 to ${most}`);
    }
  }
  const { instance, seq, part, parts, events = 1 } = source;
  if (!instance || seq === undefined) throw new BadRecord("its source lacks instance or seq");
  if ((part === undefined) !== (parts === undefined) || part > parts) {
    throw new BadRecord("its source names a part that does not exist");
  }
  // Not the sum of both, which would be rounded.
  if (seq > MAX_NUMBER - (events - 1) || events * length > MAX_INFLATED_BYTES) {
    throw new BadRecord("its source is of more events than it can be");
  }
}

function requireText(name, value) {
  // Half of a surrogate pair is no text: it has no UTF-8.
  if (typeof value !== "string" || !value.isWellFormed()) throw new BadRecord(`${quoted(name)} is not text`);
}

/** Returns a line as text, and its members: none for a line that is too long to be parsed. */
export function object(line) {
  const text = decoded(line);
  const members = line.length <= MAX_PARSED_BYTES ? parse(text) : {};
  const ends = text.trim();
  if (typeof members !== "object" || members === null || !ends.startsWith("{") || !ends.endsWith("}")) {
    throw new BadRecord("the line is not a JSON object");
  }
  return { text, members };
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decoded(bytes) {
  try {
    return UTF8.decode(bytes);
  } catch (error) {
    throw new BadRecord("the line is not UTF-8", { cause: error });
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    // V8's message quotes the text.
    throw new BadRecord("the line is not JSON", { cause: error });
  }
}
