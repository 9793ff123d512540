import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kinesis from 'aws-cdk-lib/aws-kinesis';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct, IConstruct } from 'constructs';
import type { LAYERS, Metrics } from './spec';
import type { traits } from './stream';

// `KinesisTelemetry` uses the modules that make alarms, the dashboard and attachments. They see it through these interfaces,
// so that none of them imports it, and its own properties are those that apps need.

/** Instruction set of a function, as Lambda names it. */
export type ArchitectureName = keyof typeof LAYERS;

/** The destinations of telemetry, as alarms and the dashboard watch them. */
export interface DeliveryTarget {
  /** The construct that gets alarms and the dashboard as its children. */
  readonly scope: Construct;
  readonly stream: kinesis.IStream;
  readonly streamTraits: ReturnType<typeof traits>;
  readonly deadLetterQueue: sqs.IQueue;
  /** The metrics that functions send unless their settings say otherwise. */
  readonly metrics: Metrics;
  readonly deploymentName: string | undefined;
  /** The metrics of the scheduled check for missing events, if there is one. */
  readonly completeness: { readonly missingEvents: cloudwatch.Metric; readonly errors: cloudwatch.Metric } | undefined;
}

/** Everything that a function gets or refers to when telemetry is attached to it. */
export interface AttachableTelemetry extends DeliveryTarget {
  readonly layers: Readonly<Record<ArchitectureName, lambda.ILayerVersion>>;
  /** Fingerprints of the layers' zips. They tell layer versions apart whose ARNs are not known yet. */
  readonly fingerprints: Readonly<Record<ArchitectureName, string>>;
  /** ARN of the version of the signing profile that has signed the layers, if they are signed. */
  readonly signedBy: string | undefined;
  readonly policy: iam.IManagedPolicy;
  /** The part of the dashboard that shows the log of attached functions. */
  readonly ownLines: { add(fn: lambda.Function): void };
  /** Constructs of the app that the telemetry was given, so that its stack needs their stacks. */
  readonly uses: readonly IConstruct[];
}
