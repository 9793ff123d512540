import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stack } from 'aws-cdk-lib';
import * as kinesis from 'aws-cdk-lib/aws-kinesis';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { type KinesisTelemetryProps, PublishedParameter } from '../lib/index';
import { Template, someFunction, telemetryIn, zips } from './test-environment';

/** The name of the version to which an alias of the function points, in the stack of the telemetry or in another. */
function version(where: 'own' | 'other', props: Partial<KinesisTelemetryProps> = {}): unknown {
  const { app, stack, telemetry } = telemetryIn(props);
  const at = where === 'own' ? stack : new Stack(app, 'Other');
  const fn = someFunction(at);
  fn.addAlias('live');
  telemetry.attachTo(fn);
  const template = Template.fromStack(at);
  const names = Object.keys(template.findResources('AWS::Lambda::Version'));
  template.hasResourceProperties('AWS::Lambda::Alias', { FunctionVersion: { 'Fn::GetAtt': [names[0], 'Version'] } });
  return names[0];
}

for (const where of ['own', 'other'] as const) {
  test(`an alias gets the layer of the next release, too, from ${where === 'own' ? 'its own' : 'another'} stack`, () => {
    assert.notEqual(version(where, { zips: zips('the next') }), version(where));
  });

  test(`an alias keeps its version while nothing changes, in ${where === 'own' ? 'the same' : 'another'} stack`, () => {
    assert.equal(version(where, { zips: zips('the same') }), version(where, { zips: zips('the same') }));
  });
}

test('an alias gets another stream, too, from another stack', () => {
  const { stack } = telemetryIn();
  const stream = kinesis.Stream.fromStreamArn(stack, 'Central', 'arn:aws:kinesis:eu-west-1:111122223333:stream/central');
  assert.notEqual(version('other', { stream }), version('other'));
});

test('who refers to the parameters without the construct publishes a version with another text, and not without', () => {
  const said = (upgrade?: string): unknown => {
    const stack = new Stack();
    const arn = StringParameter.valueForStringParameter(stack, PublishedParameter.LAYER_ARN_X86_64.nameIn());
    const fn = someFunction(stack, { layers: [lambda.LayerVersion.fromLayerVersionArn(stack, 'Telemetry', arn)] });
    if (upgrade !== undefined) fn.invalidateVersionBasedOn(upgrade);
    fn.addAlias('live');
    return Object.keys(Template.fromStack(stack).findResources('AWS::Lambda::Version'))[0];
  };
  assert.equal(said(), said());
  assert.notEqual(said('1'), said('2'));
});
