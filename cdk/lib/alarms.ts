import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { DOCS, METRICS, Metrics } from './spec';
import { isElsewhere } from './stream';
import type { DeliveryTarget } from './types';

/** One alarm: its metric is at least at `threshold` for as many periods of the metric. */
export interface Rule {
  readonly id: string;
  readonly means: string;
  readonly metric: cloudwatch.Metric;
  /** Name of the metric as people read it in a legend. */
  readonly label: string;
  readonly threshold: number;
  /** The threshold as people read it. */
  readonly limit: string;
  readonly periods: number;
  /** The treatment of a period without data: by default below the threshold, because nothing is measured if nothing is delivered. */
  readonly missing?: cloudwatch.TreatMissingData;
}

/** The period of a datum in alarms and in the dashboard's graphs. */
export const PERIOD = Duration.minutes(5);

/** Returns a metric that functions report themselves, all of an account and region together. */
export function ownMetric(metricName: string, statistic: string): cloudwatch.Metric {
  return new cloudwatch.Metric({ namespace: METRICS.namespace, metricName, statistic, period: PERIOD });
}

/** Makes an alarm for each rule. Its description links to the page that says what to do. */
export function addAlarms({ scope }: DeliveryTarget, rules: readonly Rule[], topic: sns.ITopic | undefined): cloudwatch.Alarm[] {
  return rules.map(({ id, means, metric, threshold, periods, missing = cloudwatch.TreatMissingData.NOT_BREACHING }) => {
    const alarm = metric.createAlarm(scope, `Alarm-${id}`, {
      alarmDescription: `${means} What to do: ${DOCS.alarms}`,
      threshold,
      evaluationPeriods: periods,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: missing,
    });
    if (topic) alarm.addAlarmAction(new actions.SnsAction(topic));
    return alarm;
  });
}

/** Returns a rule for each way in which telemetry can be late or lost, as far as its metric exists in this account and region. */
export function rulesOf(telemetry: DeliveryTarget): Rule[] {
  const { metrics, scope, stream } = telemetry;
  return [
    // The metrics of a stream are in the stream's account and region.
    ...(isElsewhere(scope, stream) ? [] : ofStream(telemetry)),
    ofQueue(telemetry),
    ...(metrics === Metrics.OFF ? [] : ofExtension()),
    ...(metrics === Metrics.ALL ? [ofLambda()] : []),
    ...ofCompleteness(telemetry),
  ];
}

function ofStream({ stream, streamTraits }: DeliveryTarget): Rule[] {
  const metric = (name: string, statistic: string) => stream.metric(name, { period: PERIOD, statistic });
  const late = Duration.millis(streamTraits.retention.toMilliseconds() / 2);
  return [
    {
      id: 'Throttled',
      means: 'The stream has throttled records for 15 minutes.',
      metric: metric('PutRecords.ThrottledRecords', 'Sum'),
      label: 'Throttled by the stream',
      threshold: 1,
      limit: '1',
      periods: 3,
    },
    {
      id: 'Failed',
      means: 'Kinesis has failed to store records for 15 minutes, with internal errors.',
      metric: metric('PutRecords.FailedRecords', 'Sum'),
      label: 'Failed in Kinesis',
      threshold: 1,
      limit: '1',
      periods: 3,
    },
    {
      id: 'IteratorAge',
      means: `A reader that calls GetRecords is at least ${late.toHumanString()} late.`,
      metric: metric('GetRecords.IteratorAgeMilliseconds', 'Maximum'),
      label: 'Age of the records that the slowest reader reads',
      threshold: late.toMilliseconds(),
      limit: late.toHumanString(),
      periods: 1,
    },
  ];
}

function ofQueue({ deadLetterQueue }: DeliveryTarget): Rule {
  return {
    id: 'DeadLetters',
    means: 'Telemetry could not be delivered, and waits in the dead-letter queue.',
    metric: deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period: PERIOD, statistic: 'Maximum' }),
    label: 'Dead letters',
    threshold: 1,
    limit: '1',
    periods: 1,
  };
}

function ofExtension(): Rule[] {
  // Lambda shuts an environment down before it has been frozen for that long, and the extension delivers then.
  const late = Duration.minutes(15);
  return [
    {
      id: 'DeliveryLag',
      means: 'One event in a hundred took more than 15 minutes to be delivered.',
      metric: ownMetric(METRICS.deliveryLag, 'p99'),
      label: '99 of 100 events within',
      threshold: late.toMilliseconds(),
      limit: late.toHumanString(),
      periods: 1,
    },
    {
      id: 'Shed',
      means: 'The extension discarded events.',
      metric: ownMetric(METRICS.shed, 'Sum'),
      label: 'Discarded by the extension',
      threshold: 1,
      limit: '1',
      periods: 1,
    },
  ];
}

function ofLambda(): Rule {
  return {
    id: 'LogsDropped',
    means: 'Lambda dropped log lines before the extension received them.',
    metric: ownMetric(METRICS.logsDropped, 'Sum'),
    label: 'Dropped by Lambda',
    threshold: 1,
    limit: '1',
    periods: 1,
  };
}

function ofCompleteness({ completeness }: DeliveryTarget): Rule[] {
  if (!completeness) return [];
  return [
    {
      id: 'MissingEvents',
      means: 'Events are missing in the stream, and no ledger reports them as shed, or different events have the same number.',
      metric: completeness.missingEvents,
      label: 'Missing in the stream',
      threshold: 1,
      limit: '1',
      periods: 1,
      // The latest verdict holds until the next one. NotChecked reports that there is none.
      missing: cloudwatch.TreatMissingData.IGNORE,
    },
    {
      id: 'NotChecked',
      means: 'The stream was not checked for missing events: a check failed, or none ran.',
      metric: completeness.errors,
      label: 'Checks that failed',
      threshold: 1,
      limit: '1',
      periods: 1,
      // Lambda reports a datum for every check. There is none if the rule is disabled or Lambda throttles the function.
      missing: cloudwatch.TreatMissingData.BREACHING,
    },
  ];
}
