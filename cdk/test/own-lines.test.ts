import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App, Aspects, CfnParameter, NestedStack, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { AttachTelemetry, type AttachmentSettings, KinesisTelemetry } from '../lib/index';
import { DOCS, LOG_PREFIX } from '../lib/spec';
import { Template, dashboard, someFunction, telemetryIn, zips } from './test-environment';

/** The queries of the dashboard: the log groups of each, and its other lines. */
function queries(stack: Stack) {
  const all = dashboard(stack).widgets.filter(({ type }) => type === 'log').map(({ properties }) => String(properties['query']));
  return all.map((query) => {
    const [first = '', ...rest] = query.split('\n| ');
    return { sources: first.split(' | ').map((it) => /^SOURCE '(.*)'$/.exec(it)?.[1]), rest };
  });
}

const sources = (stack: Stack) => queries(stack).map((it) => it.sources);

/** The text above the queries. */
function heading(stack: Stack): string {
  const texts = dashboard(stack).widgets.map(({ properties }) => properties['markdown'] as string | undefined);
  return texts.find((it) => it?.includes('extension log?')) ?? '';
}

test('without an attached function there is no query', () => {
  const { stack } = telemetryIn();
  assert.deepEqual([sources(stack), heading(stack)], [[], '']);
});

test('the lines of the extension are asked for, newest first', () => {
  const { stack, telemetry } = telemetryIn();
  telemetry.attachTo(someFunction(stack));
  const [query] = queries(stack);
  assert.deepEqual(query?.rest.slice(0, 3), [
    'fields @timestamp',
    `filter @message like '${LOG_PREFIX}'`,
    `parse @message '${LOG_PREFIX} * *' as level, message`,
  ]);
  assert.ok(query?.rest.includes('sort @timestamp desc'));
  assert.equal(heading(stack), '## What does the extension log?');
});

test('the log group of a function is found, however it got its name', () => {
  const { stack, telemetry } = telemetryIn();
  const own = new logs.LogGroup(stack, 'Own');
  const named = new logs.LogGroup(stack, 'Named', { logGroupName: 'named' });
  const foreign = logs.LogGroup.fromLogGroupName(stack, 'Foreign', 'foreign');
  const given: [Partial<lambda.FunctionProps>, RegExp][] = [
    [{}, /^\/aws\/lambda\/\$\{F0[0-9A-F]{8}\}$/],
    [{ functionName: 'orders' }, /^\/aws\/lambda\/\$\{F1[0-9A-F]{8}\}$/],
    [{ logGroup: own }, /^\$\{Own[0-9A-F]{8}\}$/],
    [{ logGroup: named }, /^\$\{Named[0-9A-F]{8}\}$/],
    [{ logGroup: foreign }, /^foreign$/],
  ];
  given.forEach(([props], n) => telemetry.attachTo(someFunction(stack, props, `F${n}`)));
  const [found = [], ...others] = sources(stack);
  assert.deepEqual([found.length, others.length], [given.length, 0]);
  given.forEach(([, name], n) => assert.match(found[n] ?? '', name));
});

test('a log group that functions share is read once', () => {
  const { stack, telemetry } = telemetryIn();
  const logGroup = new logs.LogGroup(stack, 'Shared');
  const foreign = logs.LogGroup.fromLogGroupName(stack, 'Foreign', 'foreign');
  [logGroup, logGroup, foreign, foreign].forEach((it, n) => telemetry.attachTo(someFunction(stack, { logGroup: it }, `F${n}`)));
  assert.equal(sources(stack)[0]?.length, 2);
});

test('of functions of other stacks those are shown whose log groups have names, and the others are counted', () => {
  const { app, stack, telemetry } = telemetryIn();
  const other = new Stack(app, 'Other');
  const parameter = new CfnParameter(other, 'Name').valueAsString;
  const given: Partial<lambda.FunctionProps>[] = [
    { functionName: 'orders' },
    { logGroup: new logs.LogGroup(other, 'Named', { logGroupName: 'named' }) },
    { logGroup: logs.LogGroup.fromLogGroupName(other, 'Foreign', 'foreign') },
    { logGroup: new logs.LogGroup(stack, 'Here') },
    {},
    { logGroup: new logs.LogGroup(other, 'Generated') },
    { functionName: parameter },
    { logGroup: logs.LogGroup.fromLogGroupName(other, 'Given', parameter) },
  ];
  given.forEach((props, n) => someFunction(other, props, `F${n}`));
  Aspects.of(other).add(new AttachTelemetry(telemetry));
  app.synth();
  const [found = []] = sources(stack);
  assert.deepEqual(found.slice(0, 3), ['/aws/lambda/orders', 'named', 'foreign']);
  assert.match(found[3] ?? '', /^\$\{Here[0-9A-F]{8}\}$/);
  assert.equal(found.length, 4);
  assert.equal(heading(stack), `## What does the extension log? 4 attached functions are not shown: [why, and how to read their lines](${DOCS.ownLines})`);
});

test('nested stacks refer to log groups inwards only', () => {
  for (const inner of ['function', 'telemetry'] as const) {
    const app = new App();
    const outer = new Stack(app, 'Outer');
    const nested = new NestedStack(outer, 'Nested');
    const [here, there] = inner === 'function' ? [nested, outer] : [outer, nested];
    const telemetry = new KinesisTelemetry(there, 'Telemetry', { zips: zips() });
    telemetry.attachTo(someFunction(here));
    app.synth();
    // Fails if resources depend on each other.
    Template.fromStack(outer);
    assert.equal(queries(there).length, inner === 'function' ? 1 : 0, inner);
    assert.equal(heading(there).includes('1 attached function is not shown'), inner === 'telemetry');
  }
});

test('a function that writes no log to CloudWatch Logs is not asked for', () => {
  const { stack, telemetry } = telemetryIn();
  telemetry.attachTo(someFunction(stack), { cloudWatchLogs: false });
  assert.deepEqual(sources(stack), []);
});

test('a query names 50 log groups at most, all of one class', () => {
  const { stack, telemetry } = telemetryIn();
  const settings: AttachmentSettings = {};
  const group = (id: string, logGroupClass: logs.LogGroupClass) => new logs.LogGroup(stack, id, { logGroupClass, removalPolicy: RemovalPolicy.DESTROY });
  for (let n = 0; n < 51; n += 1) telemetry.attachTo(someFunction(stack, {}, `F${n}`), settings);
  telemetry.attachTo(someFunction(stack, { logGroup: group('Rare', logs.LogGroupClass.INFREQUENT_ACCESS) }, 'Rare1'));
  telemetry.attachTo(someFunction(stack, { logGroup: group('Passing', 'DELIVERY' as logs.LogGroupClass) }, 'Passing1'));
  assert.deepEqual(sources(stack).map((it) => it.length), [50, 1, 1]);
  assert.match(sources(stack)[2]?.[0] ?? '', /Rare/);
  assert.match(heading(stack), /1 attached function is not shown/);
});

test('a function may be deployed after all of the telemetry', () => {
  const { app, stack, telemetry } = telemetryIn();
  const fn = someFunction(stack);
  fn.node.addDependency(telemetry);
  telemetry.attachTo(fn);
  app.synth();
  const [resource] = Object.values(Template.fromStack(stack).findResources('AWS::Lambda::Function')) as { DependsOn: string[] }[];
  const waitsFor = (word: string) => resource?.DependsOn.some((it) => it.startsWith(`Telemetry${word}`));
  assert.deepEqual(['Policy', 'DeadLetters', 'ParameterstreamArn', 'Dashboard'].map(waitsFor), [true, true, true, false]);
});
