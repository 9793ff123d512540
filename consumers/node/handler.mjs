// A Lambda function that reads the stream through an event source mapping with `ReportBatchItemFailures`.
//
// Replace `store`. Lambda delivers at least once, and so does the extension: write each event under its identity, so that
// one that comes twice replaces itself. Parts are stored as parts, because the others of an event may come in another batch;
// join them when you read (docs/consuming.md, "Parts").

import { recordsToEvents } from "./kinesis-telemetry.mjs";

/** Keeps events. Whatever it throws has Lambda deliver the record, and all behind it, again. */
async function store(events) {
  for (const event of events) console.log(event.line);
}

/** A handler that stores the events of each record. */
export const handlerFor = (store) => async (event) => {
  for (const { kinesis } of event.Records) {
    try {
      await store(recordsToEvents(Buffer.from(kinesis.data, "base64")));
    } catch (error) {
      console.error(`record ${kinesis.sequenceNumber} was not stored: ${error}`);
      // Lambda goes on from here, so there is no use in doing what comes behind.
      return { batchItemFailures: [{ itemIdentifier: kinesis.sequenceNumber }] };
    }
  }
  return { batchItemFailures: [] };
};

export const handler = handlerFor(store);
