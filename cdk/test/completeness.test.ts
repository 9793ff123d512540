import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Aspects, Duration, Stack } from 'aws-cdk-lib';
import * as kinesis from 'aws-cdk-lib/aws-kinesis';
import * as kms from 'aws-cdk-lib/aws-kms';
import { AttachTelemetry, type CompletenessProps, KinesisTelemetry, type KinesisTelemetryProps } from '../lib/index';
import { Match, Template, someFunction, statements, telemetryIn, zips } from './test-environment';

function checking(completeness: CompletenessProps, props: (stack: Stack) => Partial<KinesisTelemetryProps> = () => ({})) {
  const stack = new Stack();
  const telemetry = new KinesisTelemetry(stack, 'Telemetry', { zips: zips(), completeness, ...props(stack) });
  return { stack, telemetry, template: Template.fromStack(stack) };
}

test('without the property there is no function, no rule and no alarm on missing events', () => {
  const template = Template.fromStack(telemetryIn().stack);
  template.resourceCountIs('AWS::Lambda::Function', 0);
  template.resourceCountIs('AWS::Events::Rule', 0);
  assert.deepEqual(template.findResources('AWS::CloudWatch::Alarm', { Properties: { MetricName: 'MissingEvents' } }), {});
});

test('periods overlap, and an alarm holds until the next check', () => {
  const { template } = checking({ schedule: Duration.hours(1), settle: Duration.minutes(2) });
  template.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(1 hour)' });
  template.hasResourceProperties('AWS::Lambda::Function', {
    Architectures: ['arm64'],
    Environment: { Variables: { PERIOD_SECONDS: '4500', SETTLE_SECONDS: '120' } },
  });
  for (const MetricName of ['MissingEvents', 'Errors']) {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName, Period: 3600, Threshold: 1 });
  }
  template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
});

test('checks do not overlap', () => {
  for (const [minutes, seconds, age] of [[1, 60, 60], [5, 300, 300], [60, 900, 3600], [720, 900, 21_600]] as const) {
    const { template } = checking({ schedule: Duration.minutes(minutes) });
    template.hasResourceProperties('AWS::Lambda::Function', { Timeout: seconds });
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', { MaximumEventAgeInSeconds: age, MaximumRetryAttempts: 0 });
  }
});

test('an alarm reports that no check runs, and the latest verdict holds', () => {
  const { template } = checking({});
  template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'Errors', TreatMissingData: 'breaching' });
  template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'MissingEvents', TreatMissingData: 'ignore' });
});

test('the metric has the name of the stream as its dimension, also of one of another account', () => {
  const arn = 'arn:aws:kinesis:eu-west-1:444455556666:stream/central';
  const { template } = checking({}, (stack) => ({ stream: kinesis.Stream.fromStreamArn(stack, 'Stream', arn) }));
  template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'MissingEvents', Dimensions: [{ Name: 'Stream', Value: 'central' }] });
  template.hasResourceProperties('AWS::Lambda::Function', { Environment: { Variables: Match.objectLike({ STREAM: arn }) } });
});

test('the function may read the stream and its log group, and nothing else', () => {
  const read = ['kinesis:ListShards', 'kinesis:GetShardIterator', 'kinesis:GetRecords'];
  const log = ['logs:CreateLogStream', 'logs:PutLogEvents'];
  const actions = (stack: Stack) => statements(stack).map((it) => it.Action);
  const own = (stack: Stack) => actions(stack).filter((it) => !/PutRecords|SendMessage|GenerateDataKey/.test(String(it)));
  assert.deepEqual(own(checking({}).stack), [log, read]);
  const { stack } = checking({}, (of) => ({ newStream: { encryptionKey: new kms.Key(of, 'Key') } }));
  assert.deepEqual(own(stack), [log, read, 'kms:Decrypt']);
  assert.ok(statements(stack).every(({ Resource }) => Resource !== '*'));
});

test('an aspect attaches no telemetry to the function that reads the stream', () => {
  const { app, stack, telemetry } = telemetryIn({ completeness: {} });
  someFunction(stack);
  Aspects.of(app).add(new AttachTelemetry(telemetry));
  const functions = Template.fromStack(stack).findResources('AWS::Lambda::Function', { Properties: { Layers: Match.anyValue() } });
  assert.deepEqual(Object.keys(functions).map((id) => id.slice(0, 6)), ['Orders']);
});

test('a schedule or period that cannot be used is named', () => {
  const refused = (props: CompletenessProps, words: RegExp) => assert.throws(() => checking(props), words);
  for (const seconds of [0, 30, 90, 86_460]) refused({ schedule: Duration.seconds(seconds) }, /schedule of completeness is .*: set whole minutes/);
  refused({ period: Duration.minutes(20) }, /period of completeness is 20 minutes: set more than 20 minutes/);
});

test('a period as long as the retention of the stream is refused', () => {
  const refused = (props: CompletenessProps, more: Partial<KinesisTelemetryProps>, words: RegExp) => assert.throws(() => checking(props, () => more), words);
  const day = { schedule: Duration.days(1), period: Duration.hours(25) };
  refused(day, {}, /period of completeness is 1 day 1 hour, and the stream keeps a record for 1 day: set less/);
  refused({ schedule: Duration.days(1) }, {}, /period of completeness is 1 day 15 minutes, and/);
  refused(day, { newStream: { retention: Duration.hours(25) } }, /longer retention in newStream or streamTraits/);
  checking(day, () => ({ newStream: { retention: Duration.hours(26) } }));
});

test('a missing zip is named with the command that makes it', () => {
  assert.throws(() => telemetryIn({ zips: '/nowhere', completeness: {} }), /cargo xtask package/);
});
