// A Lambda function that reads the stream through an event source mapping with `ReportBatchItemFailures`.
//
// Replace `store`. Lambda delivers at least once, and so does the extension: write each event under its identity, so that
// one that comes twice replaces itself. Parts are stored as parts, because the others of an event may come in another batch;
// join them when you read (docs/consuming.md, "Parts").

import { BadRecord, recordsToEvents } from "kinesis-telemetry-consumer";

/**
 * Stores events. If it throws an error, Lambda delivers the record and all records behind it again.
 *
 * If you use `event.value`, catch BadEvent for each event and store its text: a retry would find the same text.
 */
async function store(events) {
  for (const event of events) console.log(event.line);
}

/** Returns a handler that stores the events of each record, and skips records that cannot be read. */
export const handlerFor = (store) => async (event) => {
  for (const { kinesis } of event.Records) {
    let events;
    try {
      events = recordsToEvents(Buffer.from(kinesis.data, "base64"));
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      // A retry would find the same bytes, and every record behind it in the shard would wait.
      console.error(`record ${kinesis.sequenceNumber} was skipped: ${error.message}`);
      continue;
    }
    try {
      await store(events);
    } catch (error) {
      console.error(`record ${kinesis.sequenceNumber} was not stored: ${error}`);
      // Lambda continues with this record, so the records behind it come again in any case.
      return { batchItemFailures: [{ itemIdentifier: kinesis.sequenceNumber }] };
    }
  }
  return { batchItemFailures: [] };
};

export const handler = handlerFor(store);
