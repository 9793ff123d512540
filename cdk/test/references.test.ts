import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App, NestedStack, Stack } from 'aws-cdk-lib';
import * as kinesis from 'aws-cdk-lib/aws-kinesis';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sns from 'aws-cdk-lib/aws-sns';
import { KinesisTelemetry, type KinesisTelemetryProps } from '../lib/index';
import { deployAfter } from '../lib/newer-cdk';
import { Template, attached, someFunction, telemetryIn, zips } from './test-environment';

test('a function of another stack refers to parameters, so that a new layer version can replace the old one', () => {
  const { app, stack, telemetry } = telemetryIn({ deploymentName: 'blue' });
  const other = new Stack(app, 'Other');
  telemetry.attachTo(someFunction(other, { architecture: lambda.Architecture.ARM_64 }));
  const names = Object.values((Template.fromStack(other).toJSON() as { Parameters: object }).Parameters).map((it: { Default: string }) => it.Default);
  assert.deepEqual(names.filter((it) => it.startsWith('/telemetry')).sort(), [
    '/telemetry/kinesis/blue/dead-letters/url',
    '/telemetry/kinesis/blue/extension/arm64/arn',
    '/telemetry/kinesis/blue/runtime/policy/arn',
    '/telemetry/kinesis/blue/stream/arn',
  ]);
  assert.ok(!JSON.stringify(Template.fromStack(other).toJSON()).includes('Fn::ImportValue'));
  assert.deepEqual(other.dependencies, [stack]);
});

test('stacks of which each would have to be deployed before the other are refused, with what to move', () => {
  const given: Record<string, (stack: Stack) => Partial<KinesisTelemetryProps>> = {
    stream: (stack) => ({ stream: new kinesis.Stream(stack, 'Theirs') }),
    key: (stack) => ({ newStream: { encryptionKey: new kms.Key(stack, 'Theirs') } }),
    topic: (stack) => ({ alarmTopic: new sns.Topic(stack, 'Theirs') }),
  };
  for (const [what, props] of Object.entries(given)) {
    const app = new App();
    const orders = new Stack(app, 'Orders');
    const telemetry = new KinesisTelemetry(new Stack(app, 'Telemetry'), 'Telemetry', { zips: zips(), ...props(orders) });
    assert.throws(
      () => telemetry.attachTo(someFunction(orders)),
      /after Telemetry, and before it as well, because the telemetry uses Orders\/Theirs: define that in Telemetry, or in a third stack/,
      what,
    );
    assert.deepEqual(orders.dependencies, [], what);
  }
});

test('stacks that the app has put into the other order are refused, with the reason', () => {
  const { app, stack, telemetry } = telemetryIn();
  const other = new Stack(app, 'Other');
  deployAfter(stack, other);
  assert.throws(() => telemetry.attachTo(someFunction(other)), /after Theirs, and before it as well: .*'Theirs' depends on 'Other'/);
});

test('a stream that is only referred to in the stack of the function is no reason to refuse', () => {
  const app = new App();
  const orders = new Stack(app, 'Orders');
  const stream = kinesis.Stream.fromStreamArn(orders, 'Central', 'arn:aws:kinesis:eu-west-1:111122223333:stream/central');
  const telemetry = new KinesisTelemetry(new Stack(app, 'Telemetry'), 'Telemetry', { zips: zips(), stream });
  telemetry.attachTo(someFunction(orders));
  app.synth();
});

test('nested stacks, which are deployed with the one around them, need no parameters', () => {
  for (const inner of ['function', 'telemetry'] as const) {
    const app = new App();
    const outer = new Stack(app, 'Outer');
    const nested = new NestedStack(outer, 'Nested');
    const [here, there] = inner === 'function' ? [nested, outer] : [outer, nested];
    const telemetry = new KinesisTelemetry(there, 'Telemetry', { zips: zips() });
    telemetry.attachTo(someFunction(here));
    app.synth();
    assert.equal(attached(here).layers.length, 1);
    const text = JSON.stringify(Template.fromStack(here).toJSON());
    assert.ok(!text.includes('"Default":"/telemetry'), text);
  }
});
