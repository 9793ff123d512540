import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { METRICS } from './spec';
import { isElsewhere } from './stream';
import type { DeliveryTarget } from './types';

/** One alarm: its metric is at least at `threshold` for as many periods of five minutes. */
interface Rule {
  readonly id: string;
  readonly means: string;
  readonly metric: cloudwatch.Metric;
  readonly threshold: number;
  readonly periods: number;
}

const period = Duration.minutes(5);

/** What functions report themselves, all of an account and region together. */
export function ownMetric(metricName: string, statistic: string): cloudwatch.Metric {
  return new cloudwatch.Metric({ namespace: METRICS.namespace, metricName, statistic, period });
}

/** An alarm for each way in which telemetry can be late or lost. docs/deploying.md says what to do. */
export function addAlarms(telemetry: DeliveryTarget, topic: sns.ITopic | undefined): cloudwatch.Alarm[] {
  const rules = [...ofServices(telemetry), ...ofExtension(telemetry.metrics)];
  return rules.map(({ id, means, metric, threshold, periods }) => {
    const alarm = metric.createAlarm(telemetry, `Alarm-${id}`, {
      alarmDescription: `${means} What to do: docs/deploying.md, "Alarms".`,
      threshold,
      evaluationPeriods: periods,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      // Where nothing is delivered there is nothing to measure.
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    if (topic) alarm.addAlarmAction(new actions.SnsAction(topic));
    return alarm;
  });
}

function ofServices(telemetry: DeliveryTarget): Rule[] {
  const { stream, streamTraits, deadLetterQueue } = telemetry;
  const letters: Rule = {
    id: 'DeadLetters',
    means: 'Telemetry could not be delivered, and waits in the dead-letter queue.',
    metric: deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' }),
    threshold: 1,
    periods: 1,
  };
  // The metrics of a stream are where the stream is.
  if (isElsewhere(telemetry, stream)) return [letters];
  return [
    {
      id: 'Throttled',
      means: 'The stream has refused records for a quarter of an hour, because it takes no more.',
      metric: stream.metric('PutRecords.ThrottledRecords', { period, statistic: 'Sum' }),
      threshold: 1,
      periods: 3,
    },
    {
      id: 'Failed',
      means: 'Kinesis has failed to take records for a quarter of an hour.',
      metric: stream.metric('PutRecords.FailedRecords', { period, statistic: 'Sum' }),
      threshold: 1,
      periods: 3,
    },
    {
      id: 'IteratorAge',
      means: 'A reader that calls GetRecords is so late that half of the retention has passed.',
      metric: stream.metric('GetRecords.IteratorAgeMilliseconds', { period, statistic: 'Maximum' }),
      threshold: streamTraits.retention.toMilliseconds() / 2,
      periods: 1,
    },
    letters,
  ];
}

/** Of those metrics that functions send. */
function ofExtension(metrics: 'off' | 'basic' | 'all'): Rule[] {
  if (metrics === 'off') return [];
  const rules: Rule[] = [
    {
      id: 'DeliveryLag',
      means: 'One event in a hundred took more than a quarter of an hour to be delivered.',
      metric: ownMetric(METRICS.deliveryLag, 'p99'),
      // An environment that is frozen for longer is shut down before, and delivers then.
      threshold: Duration.minutes(15).toMilliseconds(),
      periods: 1,
    },
    { id: 'Shed', means: 'Events were given up.', metric: ownMetric(METRICS.shed, 'Sum'), threshold: 1, periods: 1 },
  ];
  const dropped: Rule = {
    id: 'LogsDropped',
    means: 'Lambda itself has dropped log lines before the extension could take them.',
    metric: ownMetric(METRICS.logsDropped, 'Sum'),
    threshold: 1,
    periods: 1,
  };
  return metrics === 'all' ? [...rules, dropped] : rules;
}
