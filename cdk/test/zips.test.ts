import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { CfnParameter, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { KinesisTelemetry, type LayerBucketProps } from '../lib/index';
import { COMPLETENESS_ZIP, EXTENSION_NAME, LAYERS, RELEASE } from '../lib/spec';
import { Template, someFunction, zips } from './test-environment';

/** Returns the objects that a stack reads its layers and the code of its functions from. */
function objects(stack: Stack): { bucket: unknown; key: unknown }[] {
  const template = Template.fromStack(stack);
  const resources = ['LayerVersion', 'Function'].flatMap((type) => Object.values(template.findResources(`AWS::Lambda::${type}`)));
  return resources.map((it) => {
    const { Content, Code } = (it as { Properties: Record<'Content' | 'Code', { S3Bucket: unknown; S3Key: unknown }> }).Properties;
    const { S3Bucket: bucket, S3Key: key } = Content ?? Code;
    return { bucket, key };
  });
}

function inBucket(props: Partial<LayerBucketProps> = {}) {
  const stack = new Stack();
  const layerBucket = { bucket: s3.Bucket.fromBucketName(stack, 'Bucket', 'ours'), ...props };
  return { stack, telemetry: new KinesisTelemetry(stack, 'Telemetry', { layerBucket, completeness: {} }) };
}

const NAMES = [...Object.values(LAYERS).map(({ zip }) => zip), COMPLETENESS_ZIP];

test('layers and the completeness function come from the bucket, below the prefix', () => {
  for (const prefix of [undefined, '0.1.0/']) {
    const expected = NAMES.map((zip) => ({ bucket: 'ours', key: `${prefix ?? ''}${zip}` }));
    assert.deepEqual(objects(inBucket({ prefix }).stack), expected);
  }
});

test('bucket and prefix may be parameters of the template', () => {
  const stack = new Stack();
  const [name, prefix] = ['Bucket', 'Prefix'].map((it) => new CfnParameter(stack, it).valueAsString) as [string, string];
  new KinesisTelemetry(stack, 'Telemetry', { layerBucket: { bucket: s3.Bucket.fromBucketName(stack, 'Layers', name), prefix }, completeness: {} });
  const expected = NAMES.map((zip) => ({ bucket: { Ref: 'Bucket' }, key: { 'Fn::Join': ['', [{ Ref: 'Prefix' }, zip]] } }));
  assert.deepEqual(objects(stack), expected);
});

test('an alias gets the layer of another prefix', () => {
  const version = (prefix: string): unknown => {
    const { stack, telemetry } = inBucket({ prefix });
    const fn = someFunction(stack);
    fn.addAlias('live');
    telemetry.attachTo(fn);
    return Object.keys(Template.fromStack(stack).findResources('AWS::Lambda::Version'))[0];
  };
  assert.equal(version('0.1.0/'), version('0.1.0/'));
  assert.notEqual(version('0.1.0/'), version('0.2.0/'));
});

test('the description of a layer version begins with the release', () => {
  const layers = Object.values(Template.fromStack(inBucket().stack).findResources('AWS::Lambda::LayerVersion'));
  assert.equal(layers.length, 2);
  for (const it of layers) {
    const { Description } = (it as { Properties: { Description: string } }).Properties;
    assert.ok(Description.startsWith(`${EXTENSION_NAME} ${RELEASE}:`) && Description.length <= 256, Description);
  }
});

test('an architecture without a layer is named', () => {
  const { telemetry } = inBucket();
  assert.throws(() => telemetry.layerFor(lambda.Architecture.custom('riscv64')), /architecture riscv64: choose one of x86_64, arm64/);
});

test('a folder and a bucket exclude each other', () => {
  const stack = new Stack();
  const bucket = s3.Bucket.fromBucketName(stack, 'Bucket', 'ours');
  assert.throws(() => new KinesisTelemetry(stack, 'Telemetry', { zips: zips(), layerBucket: { bucket } }), /zips and layerBucket exclude each other/);
});

test('a signing profile without its version is refused', () => {
  const arn = 'arn:aws:signer:eu-west-1:111122223333:/signing-profiles/telemetry';
  assert.throws(() => inBucket({ signingProfileVersionArn: arn }), /telemetry": set the ARN of a version of a signing profile/);
  inBucket({ signingProfileVersionArn: `${arn}/abcde12345` });
});

test('a copy that was not released names what to install or to run', () => {
  assert.throws(() => new KinesisTelemetry(new Stack(), 'Telemetry'), /layers are missing .*: install the package of a release, or run cargo xtask package/);
});

test('a released package needs no properties', () => {
  // A package as npm installs it: the compiled modules, and the zips in a folder next to them.
  const released = mkdtempSync(path.join(path.dirname(require.resolve('aws-cdk-lib/package.json')), '../.released-'));
  process.on('exit', () => rmSync(released, { recursive: true }));
  cpSync(path.join(__dirname, '../lib'), path.join(released, 'build/lib'), { recursive: true });
  cpSync(zips(), path.join(released, 'layers'), { recursive: true });
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const own = require(path.join(released, 'build/lib')) as { KinesisTelemetry: typeof KinesisTelemetry };
  const stack = new Stack();
  const telemetry = new own.KinesisTelemetry(stack, 'Telemetry');
  telemetry.attachTo(someFunction(stack));
  assert.equal(objects(stack).length, 3);
});
