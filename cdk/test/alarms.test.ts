import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CfnParameter, Duration, Stack } from 'aws-cdk-lib';
import * as kinesis from 'aws-cdk-lib/aws-kinesis';
import { KinesisTelemetry, type KinesisTelemetryProps } from '../lib/index';
import { Match, Template, zips } from './test-environment';

/** Returns the hours after which the alarm counts a reader as late. */
function late(given: (stack: Stack) => Partial<KinesisTelemetryProps>): number {
  const stack = new Stack();
  new KinesisTelemetry(stack, 'Telemetry', { zips: zips(), ...given(stack) });
  const alarms = Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm', {
    Properties: Match.objectLike({ MetricName: 'GetRecords.IteratorAgeMilliseconds' }),
  });
  const [alarm, ...others] = Object.values(alarms) as { Properties: { Threshold: number } }[];
  assert.ok(alarm && others.length === 0);
  return alarm.Properties.Threshold / Duration.hours(1).toMilliseconds();
}

test('the alarm on readers allows half of the retention, of new and imported streams', () => {
  const retention = Duration.days(7);
  const imported = (stack: Stack) => kinesis.Stream.fromStreamArn(stack, 'Stream', 'arn:aws:kinesis:eu-west-1:111122223333:stream/old');
  assert.equal(late(() => ({ newStream: { retention } })), 84);
  assert.equal(late((stack) => ({ stream: new kinesis.Stream(stack, 'Stream', { retentionPeriod: retention }) })), 84);
  assert.equal(late((stack) => ({ stream: imported(stack), streamTraits: { retention } })), 84);
  assert.equal(late((stack) => ({ stream: imported(stack) })), 12, 'the least that Kinesis keeps');
});

test('what a stream keeps can be stated where only the deployment knows it', () => {
  const given = (stack: Stack) => {
    const stream = new kinesis.Stream(stack, 'Stream');
    (stream.node.defaultChild as kinesis.CfnStream).retentionPeriodHours = new CfnParameter(stack, 'Hours', { type: 'Number' }).valueAsNumber;
    return { stream, streamTraits: { retention: Duration.days(2) } };
  };
  assert.equal(late(given), 24);
});
