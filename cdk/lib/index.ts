/** The public API of the construct library. */
export { AttachTelemetry, type AttachTelemetryProps, type IFunctionSelector } from './attach-everywhere';
export type { AttachmentSettings } from './attachment';
export { CompletenessCheck, type CompletenessCheckProps, type CompletenessProps } from './completeness';
export { KinesisTelemetry, type KinesisTelemetryProps } from './kinesis-telemetry';
export {
  Compression,
  Envelope,
  Flush,
  LogLevel,
  Metrics,
  PartitionKey,
  PublishedParameter,
  RecordFormat,
  type TelemetrySettings,
} from './spec';
export { type NewStreamProps, RecordDistribution, type StreamTraits } from './stream';
export type { LayerBucketProps } from './zips';
