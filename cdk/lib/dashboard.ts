import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { ownMetric } from './alarms';
import { METRICS } from './spec';
import { isElsewhere } from './stream';
import type { DeliveryTarget } from './types';

/** A row a question: is telemetry complete, is it fresh, what does it cost. */
export function addDashboard(telemetry: DeliveryTarget, alarms: readonly cloudwatch.IAlarm[]): cloudwatch.Dashboard {
  const dashboard = new cloudwatch.Dashboard(telemetry, 'Dashboard', { defaultInterval: Duration.days(1) });
  dashboard.addWidgets(new cloudwatch.AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 24, height: 3 }));
  for (const [question, ...widgets] of [complete(telemetry), fresh(telemetry), cost(telemetry)]) {
    if (widgets.length > 0) dashboard.addWidgets(heading(question));
    dashboard.addWidgets(...widgets);
  }
  return dashboard;
}

type Row = [question: string, ...widgets: cloudwatch.IWidget[]];

function heading(question: string): cloudwatch.IWidget {
  return new cloudwatch.TextWidget({ markdown: `## ${question}`, width: 24, height: 1 });
}

function graph(title: string, left: cloudwatch.IMetric[]): cloudwatch.IWidget {
  return new cloudwatch.GraphWidget({ title, left, width: 8, leftYAxis: { min: 0 } });
}

function ofStream({ stream }: DeliveryTarget, name: string, statistic: string, period = Duration.minutes(5)): cloudwatch.IMetric {
  return stream.metric(name, { statistic, period });
}

function complete(telemetry: DeliveryTarget): Row {
  const letters = telemetry.deadLetterQueue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum' });
  const row: Row = ['Is it complete?', graph('Dead letters that wait', [letters])];
  if (!isElsewhere(telemetry, telemetry.stream)) {
    const refused = ['PutRecords.ThrottledRecords', 'PutRecords.FailedRecords'].map((name) => ofStream(telemetry, name, 'Sum'));
    row.push(graph('Records refused, and sent again', refused));
  }
  if (telemetry.metrics !== 'off') {
    const names = [METRICS.received, METRICS.delivered, METRICS.shed, ...(telemetry.metrics === 'all' ? [METRICS.logsDropped] : [])];
    row.push(graph('Events', names.map((name) => ownMetric(name, 'Sum'))));
  }
  return row;
}

function fresh(telemetry: DeliveryTarget): Row {
  const row: Row = ['Is it fresh?'];
  if (telemetry.metrics !== 'off') {
    row.push(graph('Until delivered (ms)', ['p50', 'p99'].map((statistic) => ownMetric(METRICS.deliveryLag, statistic))));
  }
  if (!isElsewhere(telemetry, telemetry.stream)) {
    row.push(graph('Until read (ms)', [ofStream(telemetry, 'GetRecords.IteratorAgeMilliseconds', 'Maximum')]));
    row.push(graph('A request takes (ms)', [ofStream(telemetry, 'PutRecords.Latency', 'Average')]));
  }
  return row;
}

function cost(telemetry: DeliveryTarget): Row {
  const row: Row = ['What does it cost?'];
  if (isElsewhere(telemetry, telemetry.stream)) return row;
  const day = Duration.days(1);
  const bytes = ofStream(telemetry, 'IncomingBytes', 'Sum', day);
  const records = ofStream(telemetry, 'IncomingRecords', 'Sum', day);
  const gigabytes = new cloudwatch.MathExpression({
    expression: 'bytes / 1073741824',
    usingMetrics: { bytes },
    label: 'GiB a day, before rounding up',
    period: day,
  });
  const size = new cloudwatch.MathExpression({
    expression: 'bytes / records',
    usingMetrics: { bytes, records },
    label: 'bytes a record; small ones are rounded up',
    period: day,
  });
  row.push(graph('Written', [gigabytes]), graph('Records a day', [records]), graph('Size of a record', [size]));
  return row;
}
