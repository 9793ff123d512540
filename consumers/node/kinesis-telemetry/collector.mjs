// What arrived of each instance: order, duplicates, parts and missing numbers.

import { Event, MAX_PARSED_BYTES, object, recordsToEvents } from "./lines.mjs";
import { common, counter, gaps, holds, merged, without } from "./ranges.mjs";
import { BadRecord, MAX_INFLATED_BYTES } from "./records.mjs";

const LEDGER = "kinesis-telemetry.ledger";

/**
 * Numbers as ranges, in order: [3, 5] is 3, 4 and 5.
 *
 * @typedef {[first: number, last: number][]} Ranges
 */

/**
 * The state of one instance.
 *
 * - `events`: the number of whole events that arrived, without duplicates.
 * - `last`: the largest number that an event or a ledger states.
 * - `ledger`: the last ledger that arrived, which describes the numbers up to its `upTo`.
 * - `missing`: unexplained numbers: their events are on their way, in a dead letter, or in the spill file of an environment.
 * - `incomplete`: events of which some parts are missing, each with the ranges of missing parts.
 * - `shed`: numbers that are missing wholly or in parts, and that the ledger reports as shed.
 * - `uncounted`: how many of `shed` exceed the ledger's count: it may merge ranges, but counts the events in them.
 * - `isExplained`: true if every event up to `last` arrived or was shed.
 *
 * @typedef {{
 *   events: number,
 *   last: number,
 *   ledger: Record<string, any> | undefined,
 *   missing: Ranges,
 *   incomplete: [seq: number, parts: Ranges][],
 *   shed: Ranges,
 *   uncounted: number,
 *   isExplained: boolean,
 * }} Report
 */

/** Sorts events, drops duplicates, joins parts, and finds missing numbers. It keeps every event in memory. */
export class Collector {
  /** The number of events and parts that arrived again. */
  duplicates = 0;
  /** The number of sets of parts that do not join to an event. */
  unjoinable = 0;
  /** Events without identity, in the order of arrival. @type {Event[]} */
  anonymous = [];
  /** @type {Map<string, any>} */
  #instances = new Map();

  /**
   * Adds a record. Returns the whole events that are new. Throws BadRecord as `recordsToEvents` does.
   *
   * @param {Uint8Array} data
   * @param {import("./lines.mjs").BadLine[]} [badLines]
   * @returns {Event[]}
   */
  add(data, badLines) {
    return this.addEvents(recordsToEvents(data, badLines));
  }

  /**
   * Adds events and parts. Returns the whole events that are new.
   *
   * @param {Event[]} events
   * @returns {Event[]}
   */
  addEvents(events) {
    return events.map((event) => this.#add(event)).filter((event) => event !== undefined);
  }

  /** Returns the names of all instances of which an event or a part arrived. */
  instances() {
    return [...this.#instances.keys()].sort();
  }

  /**
   * Returns the whole events of an instance, in the order of their numbers.
   *
   * @param {string} instance
   * @returns {Event[]}
   */
  events(instance) {
    const events = this.#instances.get(instance)?.events ?? new Map();
    return [...events.values()].sort((a, b) => a.seq - b.seq);
  }

  /**
   * Returns the state of an instance.
   *
   * Numbers below `first` count as neither missing nor shed. Set it if you do not read the stream from its beginning.
   *
   * @param {string} instance
   * @returns {Report}
   */
  report(instance, first = 1) {
    const { events, begun, ledger } = this.#instances.get(instance) ?? empty();
    const last = [...events.keys(), ...begun.keys(), ledger?.upTo ?? 0].reduce((a, b) => Math.max(a, b), 0);
    const absent = without(gaps(sorted(events.keys()), last), [[0, first - 1]]);
    const givenUp = ledger?.shedRanges ?? [];
    const shed = common(absent, merged(givenUp.map((it) => [it.first, it.last])));
    const unexplained = without(absent, shed);
    /** @type {[number, Ranges][]} */
    const incomplete = sorted(begun.keys())
      .filter((seq) => holds(unexplained, seq))
      .map((seq) => [seq, absentParts(begun.get(seq))]);
    const missing = without(unexplained, incomplete.map(([seq]) => [seq, seq]));
    const absentIn = counter(absent);
    const uncounted = givenUp.reduce((sum, it) => sum + Math.max(0, absentIn([it.first, it.last]) - it.events), 0);
    const isExplained = missing.length + incomplete.length + uncounted === 0;
    return { events: events.size, last, ledger, missing, incomplete, shed, uncounted, isExplained };
  }

  #add(event) {
    if (event.instance === undefined) {
      this.anonymous.push(event);
      return event;
    }
    if (!this.#instances.has(event.instance)) this.#instances.set(event.instance, empty());
    const of = this.#instances.get(event.instance);
    if (of.events.has(event.seq)) {
      this.duplicates += 1;
      return undefined;
    }
    const whole = event.part === undefined ? event : this.#join(of.begun, event);
    if (whole === undefined) return undefined;
    of.events.set(whole.seq, whole);
    const ledger = ledgerOf(whole);
    if (ledger !== undefined && !(of.ledger?.upTo >= ledger.upTo)) of.ledger = ledger;
    return whole;
  }

  /** Keeps a part. Returns the event if no part of it is missing any more. */
  #join(begun, event) {
    // Parts that disagree on how many there are do not belong together.
    const sets = begun.get(event.seq) ?? new Map();
    const parts = sets.get(event.parts) ?? new Map();
    begun.set(event.seq, sets.set(event.parts, parts));
    if (parts.has(event.part)) {
      this.duplicates += 1;
      return undefined;
    }
    parts.set(event.part, event);
    if (parts.size < event.parts) return undefined;
    begun.delete(event.seq);
    try {
      return new Event(joined(parts), { ...event, part: undefined, parts: undefined });
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      this.unjoinable += 1;
      return undefined;
    }
  }
}

const empty = () => ({ events: new Map(), begun: new Map(), ledger: undefined });
const sorted = (numbers) => [...numbers].sort((a, b) => a - b);
const isCount = (value, most) => Number.isSafeInteger(value) && value >= 0 && value <= most;

/** Returns true if the ranges are in order, hold the events that they count, and end at `last` or before. */
function arePlausible(ranges, last) {
  let before = 0;
  for (const it of ranges) {
    if (!isCount(it?.last, last) || !isCount(it.first, it.last) || it.first <= before) return false;
    if (!isCount(it.events, it.last - it.first + 1)) return false;
    before = it.last;
  }
  return true;
}

function joined(parts) {
  const texts = sorted(parts.keys()).map((number) => parts.get(number).text);
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  if (length > MAX_INFLATED_BYTES) throw new BadRecord("the parts are larger than an event can be");
  return object(Buffer.from(texts.join(""))).text;
}

/** Returns the content of a ledger; undefined for other events and for one that the extension cannot have written. */
function ledgerOf(event) {
  // The type is near the beginning; only events that contain the word are parsed.
  if (!event.text.slice(0, 200).includes(LEDGER) || event.text.length > MAX_PARSED_BYTES) return undefined;
  let value;
  try {
    value = event.value;
  } catch (error) {
    if (error instanceof BadRecord) return undefined;
    throw error;
  }
  const ledger = value?.type === LEDGER ? value.record : undefined;
  // A ledger describes the numbers before its own.
  if (!isCount(ledger?.upTo, event.seq - 1)) return undefined;
  const { shedRanges = [] } = ledger;
  return Array.isArray(shedRanges) && arePlausible(shedRanges, ledger.upTo) ? ledger : undefined;
}

/** Returns the numbers of the parts that are missing of an event: of the set of parts that is nearest to complete. */
function absentParts(sets) {
  const [of, parts] = [...sets].reduce((best, it) => (it[1].size > best[1].size ? it : best));
  return gaps(sorted(parts.keys()), of);
}
