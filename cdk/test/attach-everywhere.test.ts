import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Aspects, Stack } from 'aws-cdk-lib';
import { Annotations } from 'aws-cdk-lib/assertions';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { AttachTelemetry, Flush } from '../lib/index';
import { ENV_PREFIX } from '../lib/spec';
import { Match, Template, someFunction, telemetryIn } from './test-environment';

/** The setting FLUSH of each function of the stack, by the first word of its name. */
function flush(stack: Stack): Record<string, unknown> {
  const functions = Template.fromStack(stack).findResources('AWS::Lambda::Function');
  const all = Object.entries(functions).map(([id, it]) => {
    const { Environment } = (it as { Properties: { Environment?: { Variables: Record<string, string> } } }).Properties;
    return [/^[A-Z][a-z]+/.exec(id)?.[0], Environment?.Variables[`${ENV_PREFIX}FLUSH`]];
  });
  return Object.fromEntries(all) as Record<string, unknown>;
}

test('an aspect attaches to every function, but for images and those that have it already', () => {
  const { app, stack, telemetry } = telemetryIn();
  const own = someFunction(stack, {}, 'Own');
  someFunction(stack, {}, 'Other');
  const left = someFunction(stack, {}, 'Left');
  const repository = ecr.Repository.fromRepositoryName(stack, 'Repository', 'images');
  new lambda.DockerImageFunction(stack, 'Image', { code: lambda.DockerImageCode.fromEcr(repository) });
  telemetry.attachTo(own, { flush: Flush.START });
  Aspects.of(app).add(new AttachTelemetry(telemetry, { flush: Flush.END, selector: { settingsFor: (fn) => (fn === left ? undefined : {}) } }));
  assert.deepEqual(flush(stack), { Own: 'start', Other: 'end', Left: undefined, Image: undefined });
  Annotations.fromStack(stack).hasWarning('/Theirs/Image', Match.stringLikeRegexp('container image'));
});

test('an aspect can give each function settings of its own, or leave it out', () => {
  const { app, stack, telemetry } = telemetryIn();
  for (const id of ['Fast', 'Slow', 'Left']) someFunction(stack, {}, id);
  const settingsFor = ({ node }: lambda.Function) => (node.id === 'Left' ? undefined : node.id === 'Fast' ? { flush: Flush.END } : {});
  Aspects.of(app).add(new AttachTelemetry(telemetry, { flush: Flush.START, selector: { settingsFor } }));
  assert.deepEqual(flush(stack), { Fast: 'end', Slow: 'start', Left: undefined });
});

test('an aspect says of every function that cannot have it why, and attaches to the others', () => {
  const { app, stack, telemetry } = telemetryIn({}, { env: { account: '111122223333', region: 'eu-west-1' } });
  const arn = (n: number) => `arn:aws:lambda:eu-west-1:111122223333:layer:other:${n}`;
  const layers = [1, 2, 3, 4, 5].map((n) => lambda.LayerVersion.fromLayerVersionArn(stack, `Layer${n}`, arn(n)));
  someFunction(stack, { layers }, 'Full');
  someFunction(stack, { role: iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::111122223333:role/theirs') }, 'Foreign');
  const edge = new Stack(app, 'Edge', { env: { account: '111122223333', region: 'us-east-1' } });
  someFunction(edge);
  someFunction(stack, {}, 'Good');
  Aspects.of(app).add(new AttachTelemetry(telemetry, { flush: Flush.END }));
  assert.deepEqual(flush(stack), { Full: undefined, Foreign: undefined, Good: 'end' });
  for (const [at, path, why] of [
    [stack, '/Theirs/Full', 'Lambda allows five'],
    [stack, '/Theirs/Foreign', 'its role is not defined in this app'],
    [edge, '/Edge/Orders', 'its region is us-east-1'],
  ] as const) {
    Annotations.fromStack(at).hasError(path, Match.stringLikeRegexp(`attached to ${path.slice(1)}: .*${why}.*; or leave it out with \`selector\`$`));
  }
});
