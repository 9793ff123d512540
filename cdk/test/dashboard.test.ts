import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as kinesis from 'aws-cdk-lib/aws-kinesis';
import { KinesisTelemetry, type KinesisTelemetryProps, Metrics } from '../lib/index';
import { DOCS } from '../lib/spec';
import { Template, type Widget, dashboard, someFunction, telemetryIn, zips } from './test-environment';

const env = { account: '111122223333', region: 'eu-west-1' };
const imported = (arn: string) => (stack: Stack) => ({ stream: kinesis.Stream.fromStreamArn(stack, 'Stream', arn) });

/** Every kind of stream that a deployment can have. */
const streams: Record<string, (stack: Stack) => Partial<KinesisTelemetryProps>> = {
  'a new stream': () => ({}),
  'a stream of the account': imported('arn:aws:kinesis:eu-west-1:111122223333:stream/central'),
  'a stream of another account': imported('arn:aws:kinesis:eu-west-1:444455556666:stream/central'),
  'a stream of another region': imported('arn:aws:kinesis:eu-central-1:111122223333:stream/central'),
};

type Metric = [namespace: string, name: string, ...rest: unknown[]] | [expression: object];

/** Returns the label, the expression and the period of a widget's metric. */
function described(metric: Metric) {
  const options = (metric.at(-1) ?? {}) as { label?: string; expression?: string; visible?: boolean; period?: number };
  const [, name] = metric;
  return { name: typeof name === 'string' ? name : (options.expression ?? ''), isShown: options.visible !== false, ...options };
}

const metricsOf = ({ properties }: Widget) => ((properties['metrics'] ?? []) as Metric[]).map(described);

function deployed(given: (stack: Stack) => Partial<KinesisTelemetryProps>, props: StackProps = { env }) {
  const stack = new Stack(undefined, 'S', props);
  return { stack, telemetry: new KinesisTelemetry(stack, 'Telemetry', { zips: zips(), ...given(stack) }) };
}

for (const [what, given] of Object.entries(streams)) {
  for (const metrics of Object.values(Metrics)) {
    for (const functions of [0, 1]) {
      const variant = `with ${what}, metrics ${metrics} and ${functions} attached functions`;
      const make = () => {
        const { stack, telemetry } = deployed((it) => ({ ...given(it), metrics, completeness: functions > 0 ? {} : undefined }));
        if (functions > 0) telemetry.attachTo(someFunction(stack));
        return stack;
      };

      test(`rows have no empty column and no heading stands alone, ${variant}`, () => {
        const rows = new Map<number, Widget[]>();
        const { widgets } = dashboard(make());
        for (const widget of widgets) rows.set(widget.y, [...(rows.get(widget.y) ?? []), widget]);
        for (const row of rows.values()) {
          let x = 0;
          for (const widget of row) {
            assert.equal(widget.x, x, JSON.stringify(row));
            x += widget.width;
          }
          assert.equal(x, 24, JSON.stringify(row));
          assert.equal(new Set(row.map(({ height }) => height)).size, 1, JSON.stringify(row));
        }
        const isHeading = widgets.map(({ properties }) => /^## /.test(String(properties['markdown'])));
        isHeading.forEach((it, n) => it && assert.equal(isHeading[n + 1], false, JSON.stringify(widgets[n])));
      });

      test(`lines have many points and labels for people, ${variant}`, () => {
        const { widgets, start, periodOverride } = dashboard(make());
        assert.deepEqual([start, periodOverride], ['-P1D', 'inherit']);
        for (const widget of widgets.filter(({ type }) => type === 'metric')) {
          const isLine = widget.properties['view'] === 'timeSeries';
          assert.equal(widget.properties['setPeriodToTimeRange'], isLine ? undefined : true);
          for (const { name, label, isShown, period = 300 } of metricsOf(widget)) {
            if (isLine) assert.ok(period * 100 <= Duration.days(1).toSeconds(), `${name}: ${period}`);
            if (isShown) assert.ok(label && label !== name && !/[a-z][A-Z]|\./.test(label.replace('GiB', '')), `${name}: ${label}`);
          }
        }
      });

      test(`each alarm has its threshold on a graph of its metric, ${variant}`, () => {
        const stack = make();
        const alarms = Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm')) as {
          Properties: { MetricName: string; Threshold: number; AlarmDescription: string };
        }[];
        assert.ok(alarms.length > 0);
        const { widgets } = dashboard(stack);
        const shown = new Set<string>();
        for (const { properties, ...widget } of widgets) {
          const { horizontal = [] } = (properties['annotations'] ?? {}) as { horizontal?: { value: number; label: string }[] };
          for (const { name } of metricsOf({ properties, ...widget })) {
            for (const { value, label } of horizontal) if (/^Alarm \w+: \w+ .*or more/.test(label)) shown.add(`${name} ${value}`);
          }
        }
        for (const { Properties } of alarms) {
          assert.ok(shown.has(`${Properties.MetricName} ${Properties.Threshold}`), `${Properties.MetricName} is not in ${[...shown].join()}`);
          assert.ok(Properties.AlarmDescription.endsWith(` What to do: ${DOCS.alarms}`));
        }
      });
    }
  }
}

test('the dashboard has a name that stays, with the region, because an account has one list of dashboards', () => {
  const name = (deploymentName: string | undefined, props: StackProps) => dashboard(deployed(() => ({ deploymentName }), props).stack).name;
  assert.equal(name(undefined, { env }), 'KinesisTelemetry-eu-west-1');
  assert.equal(name('blue', { env }), 'KinesisTelemetry-blue-eu-west-1');
  assert.equal(name('blue', {}), 'KinesisTelemetry-blue-${AWS::Region}');
});

test('documents are linked to by absolute addresses, on the dashboard and in alarms', () => {
  const { stack } = telemetryIn({ metrics: Metrics.ALL });
  const text = JSON.stringify(Template.fromStack(stack).toJSON());
  const links = text.match(/[^\s"(]*docs\/[\w-]+\.md[^\s")\\]*/g) ?? [];
  assert.ok(links.length > 7);
  const known: readonly string[] = Object.values(DOCS);
  for (const link of links) assert.ok(known.includes(link), link);
});
