/** The construct library: what an app uses that has its functions' telemetry delivered. */
export { AttachTelemetry, type AttachTelemetryProps, type SettingsOf } from './attach-everywhere';
export type { AttachmentSettings } from './attachment';
export { CompletenessCheck, type CompletenessProps } from './completeness';
export { KinesisTelemetry, type KinesisTelemetryProps } from './kinesis-telemetry';
export { SSM_PARAMETERS as PUBLISHED, published, type TelemetrySettings } from './spec';
export type { NewStreamProps, RecordDistribution, StreamTraits } from './stream';
export type { ArchitectureName } from './types';
export type { LayerBucketProps } from './zips';
