import { Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { PERIOD, type Rule, ownMetric } from './alarms';
import { DOCS, METRICS, Metrics } from './spec';
import { isElsewhere } from './stream';
import type { DeliveryTarget } from './types';

/** Width of a dashboard, in CloudWatch's units. */
export const WIDTH = 24;

interface Row {
  readonly question: string;
  readonly widgets: readonly ((width: number) => cloudwatch.IWidget)[];
}

/** Makes the dashboard. A row answers a question: is telemetry complete, is it fresh, what does it cost. */
export function addDashboard(telemetry: DeliveryTarget, rules: readonly Rule[], alarms: readonly cloudwatch.IAlarm[]): cloudwatch.Dashboard {
  const dashboard = new cloudwatch.Dashboard(telemetry.scope, 'Dashboard', {
    dashboardName: nameOf(telemetry),
    defaultInterval: Duration.days(1),
    // The period must be that of the alarms, because their thresholds apply to it.
    periodOverride: cloudwatch.PeriodOverride.INHERIT,
  });
  dashboard.addWidgets(text(introduction(telemetry), 2));
  dashboard.addWidgets(new cloudwatch.AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: WIDTH, height: 3 }));
  for (const { question, widgets } of [complete(telemetry, rules), checked(rules), fresh(telemetry, rules), cost(telemetry)]) {
    if (widgets.length === 0) continue;
    dashboard.addWidgets(text(`## ${question}`));
    dashboard.addWidgets(...widgets.map((it) => it(WIDTH / widgets.length)));
  }
  return dashboard;
}

/** Returns a fixed name. It contains the region, because the dashboards of all regions of an account are in one list. */
function nameOf({ deploymentName, scope }: DeliveryTarget): string {
  const { region } = Stack.of(scope);
  return [METRICS.namespace, ...(deploymentName === undefined ? [] : [deploymentName]), region].join('-');
}

function introduction({ deploymentName }: DeliveryTarget): string {
  const title = deploymentName === undefined ? 'Kinesis telemetry' : `Kinesis telemetry: ${deploymentName}`;
  return `# ${title}\n[What each alarm means, and what to do](${DOCS.alarms}) · [Commands that check a deployment](${DOCS.operating}) · [What a stream costs](${DOCS.cost})`;
}

/** Returns a text as wide as the dashboard. */
export function text(markdown: string, height = 1): cloudwatch.TextWidget {
  return new cloudwatch.TextWidget({ markdown, width: WIDTH, height });
}

/** Makes a graph with a line for the thresholds of alarms, one for each height. */
function graph(title: string, unit: string, metrics: readonly cloudwatch.IMetric[], rules: readonly Rule[] = []) {
  const heights = [...new Set(rules.map(({ threshold }) => threshold))];
  const leftAnnotations = heights.map((value) => ({
    value,
    label: rules.filter(({ threshold }) => threshold === value).map(threshold).join('; '),
    color: cloudwatch.Color.RED,
  }));
  return (width: number) =>
    new cloudwatch.GraphWidget({ title, left: [...metrics], leftAnnotations, width, leftYAxis: { min: 0, label: unit, showUnits: false } });
}

function threshold({ id, limit, periods }: Rule): string {
  const lasting = periods === 1 ? '' : ` for ${PERIOD.toMinutes() * periods} minutes`;
  return `Alarm ${id}: ${limit} or more${lasting}`;
}

/** Makes a graph of the metrics of rules. */
function watched(title: string, unit: string, rules: readonly Rule[], others: readonly cloudwatch.IMetric[] = []) {
  return graph(title, unit, [...others, ...rules.map(({ metric, label }) => metric.with({ label, period: PERIOD }))], rules);
}

function chosen(rules: readonly Rule[]) {
  return (...ids: string[]) => rules.filter(({ id }) => ids.includes(id));
}

function complete(telemetry: DeliveryTarget, all: readonly Rule[]): Row {
  const rules = chosen(all);
  const widgets = [watched('Dead letters that wait', 'Messages', rules('DeadLetters'))];
  if (!isElsewhere(telemetry.scope, telemetry.stream)) {
    widgets.push(watched('Records rejected and resent', 'Records in 5 minutes', rules('Throttled', 'Failed')));
  }
  if (telemetry.metrics !== Metrics.OFF) {
    const taken = ownMetric(METRICS.received, 'Sum').with({ label: 'Received from Lambda' });
    const delivered = ownMetric(METRICS.delivered, 'Sum').with({ label: 'Delivered to Kinesis' });
    widgets.push(graph('Events, of all deployments here', 'Events in 5 minutes', [taken, delivered]));
    widgets.push(watched('Events lost, of all deployments here', 'Events in 5 minutes', rules('Shed', 'LogsDropped')));
  }
  return { question: 'Is it complete?', widgets };
}

/** The row of the scheduled check. It is empty if there is none. */
function checked(all: readonly Rule[]): Row {
  const [missing, failed] = ['MissingEvents', 'NotChecked'].map((id) => chosen(all)(id));
  const question = 'Is any event missing in the stream?';
  if (!missing?.length || !failed?.length) return { question, widgets: [] };
  return { question, widgets: [watched('Events missing without an explanation, or conflicting', 'Events', missing), watched('Checks that failed', 'Checks', failed)] };
}

function fresh(telemetry: DeliveryTarget, all: readonly Rule[]): Row {
  const rules = chosen(all);
  const widgets = [];
  if (telemetry.metrics !== Metrics.OFF) {
    const half = ownMetric(METRICS.deliveryLag, 'p50').with({ label: 'Half of all events within' });
    widgets.push(watched('From Lambda to the stream, of all deployments here', 'Milliseconds', rules('DeliveryLag'), [half]));
  }
  if (!isElsewhere(telemetry.scope, telemetry.stream)) {
    widgets.push(watched('From the stream to its readers', 'Milliseconds', rules('IteratorAge')));
    const latency = telemetry.stream.metric('PutRecords.Latency', { statistic: 'Average', period: PERIOD, label: 'Average of a request' });
    widgets.push(graph('A request to the stream takes', 'Milliseconds', [latency]));
  }
  return { question: 'Is it fresh?', widgets };
}

/** Shows sums over the displayed range. As a graph, a day would be one point. */
function cost(telemetry: DeliveryTarget): Row {
  const question = 'What does it cost?';
  if (isElsewhere(telemetry.scope, telemetry.stream)) return { question, widgets: [] };
  const bytes = telemetry.stream.metric('IncomingBytes', { statistic: 'Sum', period: PERIOD, label: 'Bytes' });
  const records = telemetry.stream.metric('IncomingRecords', { statistic: 'Sum', period: PERIOD, label: 'Records' });
  const gibibytes = new cloudwatch.MathExpression({ expression: 'bytes / 1073741824', usingMetrics: { bytes }, label: 'GiB, before rounding up' });
  const size = new cloudwatch.MathExpression({
    expression: 'bytes / records',
    usingMetrics: { bytes, records },
    label: 'Bytes a record; small ones are rounded up',
  });
  const sum = (title: string, metric: cloudwatch.IMetric) => (width: number) =>
    new cloudwatch.SingleValueWidget({ title, metrics: [metric], setPeriodToTimeRange: true, width, height: 4 });
  return {
    question,
    widgets: [
      sum('Written to the stream in the range shown', gibibytes),
      sum('Records written in the range shown', records),
      sum('Average size of a record in the range shown', size),
    ],
  };
}
