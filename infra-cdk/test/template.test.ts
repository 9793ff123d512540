import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { type Template, merged } from '../lib/merged';
import { template, templateText, withParts } from '../lib/template';
import type { Parts } from '../lib/template-stack';
import { isAsReviewed } from './reviewed';

/** The largest template that the AWS CLI sends without a bucket (CloudFormation API reference, `TemplateBody`). */
const MOST_BYTES = 51_200;

/** The template as CloudFormation deploys it where these conditions hold. */
function deployed({ Resources, ...sections }: Template, holds: Readonly<Record<string, boolean>>): unknown {
  const kept = Object.entries(Resources).filter(([, { Condition }]) => Condition === undefined || holds[Condition]);
  return chosen({ ...sections, Resources: Object.fromEntries(kept.map(([id, it]) => [id, { ...it, Condition: undefined }])) }, holds);
}

function chosen(value: unknown, holds: Readonly<Record<string, boolean>>): unknown {
  if (Array.isArray(value)) return value.map((item) => chosen(item, holds));
  if (typeof value !== 'object' || value === null) return value;
  const [condition, on, off] = ((value as Record<string, unknown>)['Fn::If'] ?? []) as [string?, unknown?, unknown?];
  if (condition !== undefined) return chosen(holds[condition] ? on : off, holds);
  const members = Object.entries(value).map(([name, item]) => [name, chosen(item, holds)] as const);
  return Object.fromEntries(members.filter(([, item]) => item !== undefined && (item as { Ref?: unknown }).Ref !== 'AWS::NoValue'));
}

/** The sections that only this template has. */
interface Sections extends Template {
  readonly Metadata: { readonly 'AWS::CloudFormation::Interface': { ParameterGroups: { Parameters: string[] }[]; ParameterLabels: object } };
  readonly Parameters: Record<string, { Description?: string; AllowedPattern?: string; Default?: string }>;
  readonly Outputs: Record<string, { Description?: string }>;
}

test('the template is as it was reviewed', () => {
  isAsReviewed('kinesis-telemetry.template.yaml', templateText());
});

test('whatever its parameters decide, the template deploys what the constructs make', () => {
  for (const HasAlarmTopic of [false, true]) {
    for (const ChecksCompleteness of [false, true]) {
      const parts: Parts = { HasAlarmTopic, ChecksCompleteness };
      assert.deepEqual(deployed(template(), { ...parts }), deployed(withParts(parts), {}), JSON.stringify(parts));
    }
  }
});

test('the template needs nothing of the CDK', () => {
  const { Resources, ...sections } = template();
  assert.deepEqual(Object.keys(sections), ['Description', 'Metadata', 'Parameters', 'Conditions', 'Outputs']);
  for (const [id, resource] of Object.entries(Resources)) {
    assert.match(id, /^([A-Z][a-z]+|Arn|X8664|Arm64)+$/, 'a name without a hash');
    assert.ok(!('Metadata' in resource), id);
  }
  assert.doesNotMatch(templateText(), /cdk-|hnb659fds|Token\[/);
});

test('the command line takes the template without a bucket', () => {
  assert.ok(Buffer.byteLength(templateText()) <= MOST_BYTES);
});

test('every parameter and every output is described, and every parameter has a place and a label in the console', () => {
  const { Metadata, Parameters, Outputs } = template() as Sections;
  const names = Object.keys(Parameters);
  const { ParameterGroups, ParameterLabels } = Metadata['AWS::CloudFormation::Interface'];
  assert.deepEqual(ParameterGroups.flatMap((group) => group.Parameters), names);
  assert.deepEqual(Object.keys(ParameterLabels), names);
  for (const it of [...Object.values(Parameters), ...Object.values(Outputs)]) assert.match(it.Description ?? '', /^[A-Z]/);
});

test('a parameter takes its own default, and no value that would fail later', () => {
  const { Parameters } = template() as Sections;
  const takes = (name: string, value: string) => new RegExp(`^(?:${Parameters[name]?.AllowedPattern})$`).test(value);
  for (const [name, { Default, AllowedPattern }] of Object.entries(Parameters)) {
    if (Default !== undefined && AllowedPattern !== undefined) assert.ok(takes(name, Default), name);
  }
  for (const prefix of ['', 'ours/', 'ours/telemetry/']) assert.ok(takes('LayerPrefix', prefix), prefix);
  for (const prefix of ['/', '/ours/', 'ours', 'ours//']) assert.ok(!takes('LayerPrefix', prefix), prefix);
  assert.ok(takes('AlarmTopicArn', 'arn:aws-cn:sns:cn-north-1:111122223333:alarms'));
  for (const arn of ['alarms', 'arn:aws:sqs:eu-west-1:111122223333:alarms']) assert.ok(!takes('AlarmTopicArn', arn), arn);
});

test('a string that YAML would take for a date or a truth value stays a string', () => {
  const read = parse(templateText(), { version: '1.1', logLevel: 'error' }) as { Parameters: { CheckCompleteness: object }; Resources: { Policy: object } };
  assert.equal((read.Parameters.CheckCompleteness as { Default: unknown }).Default, 'false');
  assert.equal((read.Resources.Policy as { Properties: { PolicyDocument: { Version: unknown } } }).Properties.PolicyDocument.Version, '2012-10-17');
});

test('templates that no condition can tell apart are refused', () => {
  const of = (Resources: Template['Resources'], more: object = {}): Template => ({ Resources, ...more });
  const queue = { Type: 'AWS::SQS::Queue' };
  assert.throws(() => merged('C', of({}), of({ A: queue })), /^Error: with C the template is .*, and without it .*AWS::SQS::Queue/);
  assert.throws(() => merged('C', of({}, { Outputs: {} }), of({})), /^Error: with C the template is/);
  assert.throws(() => merged('C', of({ A: queue }), of({ A: { Type: 'AWS::SNS::Topic' } })), /^Error: with C A is/);
  assert.throws(() => merged('C', of({ A: { ...queue, Condition: 'D' } }), of({})), /^Error: A has the condition D and cannot have C as well/);
});
