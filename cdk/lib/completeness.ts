import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kinesis from 'aws-cdk-lib/aws-kinesis';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { METRICS } from './spec';

/** The schedule and the limits of a check for missing events. */
export interface CompletenessProps {
  /**
   * Time between two checks: whole minutes, from 1 minute to 1 day. A check may take as long, but 15 minutes at most.
   *
   * @default Duration.minutes(15)
   */
  readonly schedule?: Duration | undefined;

  /**
   * How much of the stream each check reads; reading is billed. A gap is found if the instance wrote before and after it within
   * this time, less `schedule` and `settle`. So it must be longer than both together, and shorter than the retention of the stream
   * (`newStream.retention`, or `streamTraits.retention` for a stream that is not defined in this app).
   *
   * @default 15 minutes more than `schedule`
   */
  readonly period?: Duration | undefined;

  /**
   * How late an event may be, after events with a higher number of the same instance.
   *
   * @default Duration.minutes(5)
   */
  readonly settle?: Duration | undefined;
}

/** A stream that is checked, and the code that checks it. */
export interface CompletenessCheckProps extends CompletenessProps {
  /** The stream that the function reads. */
  readonly stream: kinesis.IStream;
  /** The retention of the stream. */
  readonly retention: Duration;
  /** The program of the function, for arm64. */
  readonly code: lambda.Code;
}

/** A function that reads the stream on a schedule, and counts the events that are missing without an explanation. */
export class CompletenessCheck extends Construct {
  /** The function that checks the stream. */
  readonly function: lambda.Function;
  /** The number of missing and conflicting events. It has a datum for every check that did not fail, also if it is 0. */
  readonly missingEvents: cloudwatch.Metric;
  /** The number of checks that failed. It has a datum for every check, also if it is 0. */
  readonly errors: cloudwatch.Metric;

  constructor(scope: Construct, id: string, props: CompletenessCheckProps) {
    super(scope, id);
    const { stream } = props;
    const { schedule, period, settle } = checked(props, props.retention);
    const logGroup = new logs.LogGroup(this, 'Log', { retention: logs.RetentionDays.ONE_MONTH, removalPolicy: RemovalPolicy.DESTROY });
    const role = new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    for (const statement of toRead(stream)) role.addToPolicy(statement);
    this.function = new lambda.Function(this, 'Function', {
      description: 'Checks that no event is missing in the telemetry stream',
      runtime: lambda.Runtime.PROVIDED_AL2023,
      architecture: lambda.Architecture.ARM_64,
      handler: 'bootstrap',
      code: props.code,
      // An answer of Kinesis has up to 10 MB, and a record inflates to up to 16 MiB.
      memorySize: 512,
      // Lambda allows 15 minutes. A check that takes longer than the schedule would overlap with the next one and share the
      // shard's read throughput with it.
      timeout: shorter(schedule, Duration.minutes(15)),
      // The next check reads the same events again. So Lambda does not retry a failed check, and a throttled event expires when
      // the next check is due.
      retryAttempts: 0,
      maxEventAge: shorter(schedule, Duration.hours(6)),
      environment: {
        STREAM: stream.streamArn,
        PERIOD_SECONDS: String(period.toSeconds()),
        SETTLE_SECONDS: String(settle.toSeconds()),
      },
      logGroup,
      role,
    });
    new events.Rule(this, 'Schedule', {
      description: 'Checks that no event is missing in the telemetry stream',
      schedule: events.Schedule.rate(schedule),
      targets: [new targets.LambdaFunction(this.function)],
    });
    this.missingEvents = new cloudwatch.Metric({
      namespace: METRICS.namespace,
      metricName: METRICS.missingEvents,
      dimensionsMap: { [METRICS.stream]: stream.streamName },
      statistic: 'Maximum',
      // An alarm holds until the next check.
      period: schedule,
    });
    this.errors = this.function.metricErrors({ statistic: 'Sum', period: schedule });
  }
}

function shorter(one: Duration, other: Duration): Duration {
  return one.toSeconds() < other.toSeconds() ? one : other;
}

/**
 * Returns the settings with their defaults.
 *
 * @throws Error that names the value that cannot be used.
 */
function checked(props: CompletenessProps, retention: Duration): { schedule: Duration; period: Duration; settle: Duration } {
  const { schedule = Duration.minutes(15), settle = Duration.minutes(5) } = props;
  const seconds = schedule.toSeconds();
  if (seconds % 60 !== 0 || seconds < 60 || seconds > 86_400) {
    throw new Error(`the schedule of completeness is ${schedule.toHumanString()}: set whole minutes, from 1 minute to 1 day`);
  }
  const { period = Duration.seconds(seconds + 15 * 60) } = props;
  const least = Duration.seconds(seconds + settle.toSeconds());
  if (period.toSeconds() <= least.toSeconds()) {
    throw new Error(`the period of completeness is ${period.toHumanString()}: set more than ${least.toHumanString()}, which schedule and settle are together`);
  }
  if (period.toSeconds() >= retention.toSeconds()) {
    throw new Error(
      `the period of completeness is ${period.toHumanString()}, and the stream keeps a record for ${retention.toHumanString()}: set less, ` +
        'or state a longer retention in newStream or streamTraits',
    );
  }
  return { schedule, period, settle };
}

/** Returns the permissions to read the stream, and no others. */
function toRead(stream: kinesis.IStream): iam.PolicyStatement[] {
  const actions = ['kinesis:ListShards', 'kinesis:GetShardIterator', 'kinesis:GetRecords'];
  const read = new iam.PolicyStatement({ sid: 'Read', actions, resources: [stream.streamArn] });
  if (!stream.encryptionKey) return [read];
  const decrypt = new iam.PolicyStatement({
    sid: 'Decrypt',
    actions: ['kms:Decrypt'],
    resources: [stream.encryptionKey.keyArn],
    conditions: { StringEquals: { 'kms:EncryptionContext:aws:kinesis:arn': stream.streamArn } },
  });
  return [read, decrypt];
}
