import { Duration, type RemovalPolicy, type Size, Stack, Token } from 'aws-cdk-lib';
import * as kinesis from 'aws-cdk-lib/aws-kinesis';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { acknowledge } from './newer-cdk';

/** The ways in which a stream assigns records to its shards. */
export enum RecordDistribution {
  /** By the partition keys of the records. */
  USER_PARTITION_KEY = 'USER_PARTITION_KEY',
  /** Kinesis decides. For streams on demand only. */
  AUTO = 'AUTO',
}

/** The properties of a stream on which settings of the extension and alarms depend. */
export interface StreamTraits {
  /**
   * Largest record that the stream takes.
   *
   * @default 1 MiB
   */
  readonly maxRecordSize?: Size | undefined;

  /**
   * How the stream assigns records to its shards.
   *
   * @default RecordDistribution.USER_PARTITION_KEY
   */
  readonly recordDistribution?: RecordDistribution | undefined;

  /**
   * How long a record is kept, 1 to 365 days. A reader that is late by half of that raises an alarm.
   *
   * @default Duration.hours(24)
   */
  readonly retention?: Duration | undefined;
}

/** A stream to be made. */
export interface NewStreamProps extends StreamTraits {
  /**
   * The capacity mode of the stream.
   *
   * @default StreamMode.ON_DEMAND
   */
  readonly mode?: kinesis.StreamMode | undefined;

  /**
   * The number of shards of a provisioned stream.
   *
   * @default 1
   */
  readonly shardCount?: number | undefined;

  /**
   * The key with which the stream is encrypted.
   *
   * @default the key that AWS manages, which no other account can use
   */
  readonly encryptionKey?: kms.IKey | undefined;

  /**
   * The removal policy of the stream.
   *
   * @default RemovalPolicy.RETAIN, the CDK's default
   */
  readonly removalPolicy?: RemovalPolicy | undefined;
}

/**
 * Makes the stream.
 *
 * @throws Error for a mode and properties that exclude each other.
 */
export function newStream(scope: Construct, id: string, props: NewStreamProps): kinesis.IStream {
  const { mode = kinesis.StreamMode.ON_DEMAND, shardCount, recordDistribution, maxRecordSize, encryptionKey } = props;
  const isOnDemand = mode === kinesis.StreamMode.ON_DEMAND;
  if (isOnDemand && shardCount !== undefined) {
    throw new Error(`shardCount is ${shardCount}, and a stream on demand has no fixed number of shards: leave it out, or set mode to StreamMode.PROVISIONED`);
  }
  if (!isOnDemand && recordDistribution === RecordDistribution.AUTO) {
    throw new Error('recordDistribution is "AUTO", which only streams on demand know: leave it out, or leave out the mode');
  }
  const stream = new kinesis.Stream(scope, id, {
    streamMode: mode,
    encryption: encryptionKey ? kinesis.StreamEncryption.KMS : kinesis.StreamEncryption.MANAGED,
    ...(encryptionKey && { encryptionKey }),
    ...(shardCount !== undefined && { shardCount }),
    ...(props.retention && { retentionPeriod: props.retention }),
    ...(props.removalPolicy && { removalPolicy: props.removalPolicy }),
  });
  if (encryptionKey) acknowledge(stream, 'AwsSolutions-KDS3', 'A key of our own was asked for: its use can be restricted, shared and ended.');
  const resource = stream.node.defaultChild as kinesis.CfnStream;
  // The construct of the library does not know these properties yet, and in older versions the resource does not either.
  if (maxRecordSize) resource.addPropertyOverride('MaxRecordSizeInKiB', maxRecordSize.toKibibytes());
  if (recordDistribution) resource.addPropertyOverride('RecordDistributionStrategy', recordDistribution);
  return stream;
}

/** Returns what is known of a stream: from its definition, if the app and this version of the CDK have it, and else what was `stated`. */
export function traits(stream: kinesis.IStream, stated: StreamTraits) {
  const resource = stream.node.defaultChild instanceof kinesis.CfnStream ? stream.node.defaultChild : undefined;
  const isAutomatic = (resource?.recordDistributionStrategy ?? stated.recordDistribution) === RecordDistribution.AUTO;
  const hours = resource?.retentionPeriodHours;
  return {
    maxRecordKiB: resource?.maxRecordSizeInKiB ?? stated.maxRecordSize?.toKibibytes() ?? 1024,
    recordDistribution: isAutomatic ? RecordDistribution.AUTO : RecordDistribution.USER_PARTITION_KEY,
    // A number that only the deployment knows cannot be halved.
    retention: hours === undefined || Token.isUnresolved(hours) ? (stated.retention ?? Duration.hours(24)) : Duration.hours(hours),
  };
}

/** Returns true if the stream is known to be in another account or region than the construct. Its metrics are there, too. */
export function isElsewhere(scope: Construct, stream: kinesis.IStream): boolean {
  const { account, region } = Stack.of(scope);
  const differ = (one: string, other: string) => one !== other && !Token.isUnresolved(one) && !Token.isUnresolved(other);
  return differ(stream.env.account, account) || differ(stream.env.region, region);
}
