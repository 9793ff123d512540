import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Aspects, CfnParameter, Stack } from 'aws-cdk-lib';
import { Annotations } from 'aws-cdk-lib/assertions';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as signer from 'aws-cdk-lib/aws-signer';
import { AttachTelemetry, KinesisTelemetry } from '../lib/index';
import { Match, attached, someFunction, zips } from './test-environment';

const ENV = { account: '111122223333', region: 'eu-west-1' };
const OURS = 'arn:aws:signer:eu-west-1:111122223333:/signing-profiles/telemetry/1';
const { ENFORCE, WARN } = lambda.UntrustedArtifactOnDeployment;

/** Makes telemetry whose layers are signed by a profile, or unsigned. */
function telemetryIn(signedBy?: (stack: Stack) => string) {
  const stack = new Stack(undefined, 'Theirs', { env: ENV });
  const bucket = s3.Bucket.fromBucketName(stack, 'Layers', 'layers');
  const props = signedBy ? { layerBucket: { bucket, signingProfileVersionArn: signedBy(stack) } } : { zips: zips() };
  return { stack, telemetry: new KinesisTelemetry(stack, 'Telemetry', props) };
}

/** Makes a function that takes code of these profiles. */
function signedFunction(stack: Stack, policy: lambda.UntrustedArtifactOnDeployment | undefined, ...profiles: string[]): lambda.Function {
  const named = (name: string) =>
    signer.SigningProfile.fromSigningProfileAttributes(stack, name, { signingProfileName: name, signingProfileVersion: '1' });
  const codeSigningConfig = new lambda.CodeSigningConfig(stack, 'Signing', {
    signingProfiles: profiles.map(named),
    ...(policy && { untrustedArtifactOnDeployment: policy }),
  });
  const code = lambda.Code.fromBucket(s3.Bucket.fromBucketName(stack, 'Code', 'code'), 'orders.zip');
  return someFunction(stack, { code, codeSigningConfig });
}

function warnings(stack: Stack): number {
  return Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('may fail.*kinesis-telemetry:code-signing')).length;
}

test('a function whose code signing is enforced is refused an unsigned layer', () => {
  const { stack, telemetry } = telemetryIn();
  const fn = signedFunction(stack, ENFORCE, 'telemetry');
  assert.throws(
    () => telemetry.attachTo(fn),
    /attached to Theirs\/Orders: its code signing is enforced, and the layer is unsigned: sign the layers, and set layerBucket with signingProfileVersionArn/,
  );
  assert.deepEqual(attached(stack), { layers: [], variables: {} });
});

test('an aspect reports the function that is refused an unsigned layer', () => {
  const { stack, telemetry } = telemetryIn();
  signedFunction(stack, ENFORCE, 'telemetry');
  Aspects.of(stack).add(new AttachTelemetry(telemetry));
  Annotations.fromStack(stack).hasError('/Theirs/Orders', Match.stringLikeRegexp('the layer is unsigned'));
});

test('a function whose code signing only warns gets an unsigned layer', () => {
  for (const policy of [WARN, undefined]) {
    const { stack, telemetry } = telemetryIn();
    telemetry.attachTo(signedFunction(stack, policy, 'telemetry'));
    assert.deepEqual([attached(stack).layers.length, warnings(stack)], [1, 0]);
  }
});

test('a function gets a layer that one of its profiles has signed', () => {
  const { stack, telemetry } = telemetryIn(() => OURS);
  telemetry.attachTo(signedFunction(stack, ENFORCE, 'other', 'telemetry'));
  assert.deepEqual([attached(stack).layers.length, warnings(stack)], [1, 0]);
});

test('a function is refused a layer that another profile has signed', () => {
  const { stack, telemetry } = telemetryIn(() => OURS);
  assert.throws(
    () => telemetry.attachTo(signedFunction(stack, ENFORCE, 'other')),
    /Theirs\/Signing\/Resource does not allow the profile that has signed the layer, arn:aws:signer:.*telemetry\/1: add it .* sign the layers with one of .*other\/1$/,
  );
});

test('profiles of which one is known at deployment alone are not compared', () => {
  const { stack, telemetry } = telemetryIn((it) => new CfnParameter(it, 'Profile').valueAsString);
  telemetry.attachTo(signedFunction(stack, ENFORCE, 'other'));
  assert.equal(attached(stack).layers.length, 1);
  const { telemetry: other, stack: agnostic } = telemetryIn(() => OURS);
  const fn = signedFunction(agnostic, ENFORCE, 'other');
  const config = agnostic.node.findChild('Signing').node.defaultChild as lambda.CfnCodeSigningConfig;
  config.allowedPublishers = { signingProfileVersionArns: [new CfnParameter(agnostic, 'Profile').valueAsString] };
  other.attachTo(fn);
  assert.equal(attached(agnostic).layers.length, 1);
});

test('an unsigned layer with a configuration that the app does not define is warned of', () => {
  const arn = 'arn:aws:lambda:eu-west-1:111122223333:code-signing-config:csc-0123456789abcdef0';
  for (const [signedBy, expected] of [[undefined, 1], [() => OURS, 0]] as const) {
    const { stack, telemetry } = telemetryIn(signedBy);
    const fn = someFunction(stack);
    (fn.node.defaultChild as lambda.CfnFunction).codeSigningConfigArn = arn;
    telemetry.attachTo(fn);
    assert.deepEqual([attached(stack).layers.length, warnings(stack)], [1, expected]);
  }
});

test('a policy that is known at deployment alone is warned of', () => {
  const { stack, telemetry } = telemetryIn();
  const fn = signedFunction(stack, ENFORCE, 'telemetry');
  const config = stack.node.findChild('Signing').node.defaultChild as lambda.CfnCodeSigningConfig;
  config.codeSigningPolicies = { untrustedArtifactOnDeployment: new CfnParameter(stack, 'Policy').valueAsString };
  telemetry.attachTo(fn);
  assert.equal(warnings(stack), 1);
});
