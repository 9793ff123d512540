import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Duration, Size, Stack } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kinesis from 'aws-cdk-lib/aws-kinesis';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { type AttachmentSettings, Flush, Metrics, RecordDistribution, RecordFormat } from '../lib/index';
import { ENV_PREFIX } from '../lib/spec';
import { Match, Template, attached, someFunction, statements, telemetryIn } from './test-environment';

/** Returns the error of attaching telemetry with these settings. */
function refusal(settings: AttachmentSettings, ...args: Parameters<typeof telemetryIn>): string {
  const { stack, telemetry } = telemetryIn(...args);
  const fn = someFunction(stack);
  try {
    telemetry.attachTo(fn, settings);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

test('a function gets the layer of its architecture, the policy and the settings', () => {
  for (const architecture of [lambda.Architecture.X86_64, lambda.Architecture.ARM_64]) {
    const { stack, telemetry } = telemetryIn();
    telemetry.attachTo(someFunction(stack, { architecture }), { flush: Flush.END, maxAge: Duration.seconds(2), types: ['platform'] });
    const { layers, variables } = attached(stack);
    assert.deepEqual(layers, [stack.resolve(telemetry.layerFor(architecture).layerVersionArn)]);
    assert.deepEqual(variables, {
      [`${ENV_PREFIX}STREAM`]: stack.resolve(telemetry.stream.streamArn) as unknown,
      [`${ENV_PREFIX}DEAD_LETTER_QUEUE_URL`]: stack.resolve(telemetry.deadLetterQueue.queueUrl) as unknown,
      [`${ENV_PREFIX}FLUSH`]: 'end',
      [`${ENV_PREFIX}MAX_AGE_MS`]: '2000',
      [`${ENV_PREFIX}TYPES`]: 'platform',
    });
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Role', {
      ManagedPolicyArns: Match.arrayWith([stack.resolve(telemetry.policy.managedPolicyArn)]),
    });
  }
});

test('the policy allows three actions, each on one resource, and the key only for this stream', () => {
  const { stack, telemetry } = telemetryIn();
  telemetry.attachTo(someFunction(stack));
  assert.deepEqual(statements(stack).map(({ Action, Effect, Resource }) => [Effect, Action, Resource]), [
    ['Allow', 'kinesis:PutRecords', stack.resolve(telemetry.stream.streamArn)],
    ['Allow', 'sqs:SendMessage', stack.resolve(telemetry.deadLetterQueue.queueArn)],
  ]);
});

test('logs can be kept from CloudWatch, by denying what writes them', () => {
  const { stack, telemetry } = telemetryIn({ metrics: Metrics.ALL });
  telemetry.attachTo(someFunction(stack), { cloudWatchLogs: false });
  const denied = statements(stack).filter((it) => it.Effect === 'Deny');
  assert.deepEqual(denied.map((it) => it.Action), [['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents']]);
  assert.equal(attached(stack).variables[`${ENV_PREFIX}METRICS`], undefined, 'metrics come out of the log');
});

test('a role from elsewhere is denied to write logs, too, and refused where it takes no policies', () => {
  const arn = 'arn:aws:iam::111122223333:role/theirs';
  const settings = { attachPolicy: false, cloudWatchLogs: false };
  const taking = telemetryIn();
  taking.telemetry.attachTo(someFunction(taking.stack, { role: iam.Role.fromRoleArn(taking.stack, 'Role', arn) }), settings);
  assert.equal(statements(taking.stack).filter((it) => it.Effect === 'Deny').length, 1);

  const { stack, telemetry } = telemetryIn({}, { env: { account: '111122223333', region: 'eu-west-1' } });
  const own = new iam.Role(stack, 'Own', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  const deaf = {
    immutable: iam.Role.fromRoleArn(stack, 'Immutable', arn, { mutable: false }),
    'of another account': iam.Role.fromRoleArn(stack, 'Other', 'arn:aws:iam::444455556666:role/theirs'),
    'without updates': own.withoutPolicyUpdates(),
  };
  for (const [what, role] of Object.entries(deaf)) {
    const fn = someFunction(stack, { role }, what.replaceAll(' ', ''));
    assert.throws(() => telemetry.attachTo(fn, settings), /takes no policies.*add to the role \{"Effect":"Deny","Action":\["logs:Create/, what);
  }
});

test('functions send the metrics that alarms are made of', () => {
  const { stack, telemetry } = telemetryIn({ metrics: Metrics.BASIC });
  telemetry.attachTo(someFunction(stack));
  assert.equal(attached(stack).variables[`${ENV_PREFIX}METRICS`], 'basic');
});

test('a setting that cannot be used is refused with the name of the function', () => {
  assert.equal(
    refusal({ flushTimeout: Duration.minutes(2) }),
    'telemetry cannot be attached to Theirs/Orders: these settings of the telemetry extension cannot be used:\n' +
      '  flushTimeout is 120000 ms: set a whole number of ms from 50 to 60000',
  );
  assert.match(refusal({ maxAge: 5 as unknown as Duration }), /maxAge is 5: set a Duration/);
  assert.match(refusal({ maxRecordBytes: 5 as unknown as Size }), /maxRecordBytes is 5: set a Size/);
});

test('what only the construct can know is refused where it is set for a function', () => {
  assert.match(refusal({ stream: 'another' } as AttachmentSettings), /stream is the construct's to set/);
  assert.match(refusal({ deadLetterQueueUrl: 'https://…' } as AttachmentSettings), /deadLetterQueueUrl is the construct's to set/);
});

test('aggregates are refused for a stream that distributes records itself', () => {
  const automatic = { newStream: { recordDistribution: RecordDistribution.AUTO } };
  assert.match(refusal({ recordFormat: RecordFormat.KPL }, automatic), /recordFormat is "kpl", and the stream distributes records itself/);
  assert.equal(refusal({ recordFormat: RecordFormat.NDJSON }, automatic), '');
  assert.equal(refusal({ recordFormat: RecordFormat.KPL }), '');
});

test('records are refused that the stream does not take', () => {
  const settings = { maxRecordBytes: Size.mebibytes(2) };
  assert.match(refusal(settings), /maxRecordBytes is 2097152, and the stream takes 1048576/);
  assert.equal(refusal(settings, { newStream: { maxRecordSize: Size.mebibytes(2) } }), '');
});

test('metrics are refused where there is no log to send them through', () => {
  assert.match(refusal({ metrics: Metrics.BASIC, cloudWatchLogs: false }), /metrics is "basic", and metrics come out of CloudWatch Logs/);
});

test('an image, a sixth layer, a foreign role, and a second time are refused', () => {
  const { stack, telemetry } = telemetryIn();
  const repository = ecr.Repository.fromRepositoryName(stack, 'Repository', 'images');
  const image = new lambda.DockerImageFunction(stack, 'Image', { code: lambda.DockerImageCode.fromEcr(repository) });
  assert.throws(() => telemetry.attachTo(image), /it is a container image, which takes no layers: copy the extension into the image/);

  const arn = (n: number) => `arn:aws:lambda:eu-west-1:111122223333:layer:other:${n}`;
  const layers = [1, 2, 3, 4, 5].map((n) => lambda.LayerVersion.fromLayerVersionArn(stack, `Layer${n}`, arn(n)));
  assert.throws(() => telemetry.attachTo(someFunction(stack, { layers }, 'Full')), /Lambda allows five: merge some/);

  const role = iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::111122223333:role/theirs');
  const foreign = someFunction(stack, { role }, 'Foreign');
  assert.throws(() => telemetry.attachTo(foreign), /its role is not defined in this app.* set attachPolicy to false/);
  telemetry.attachTo(foreign, { attachPolicy: false });
  assert.throws(() => telemetry.attachTo(foreign), /it was attached already/);
});

test('a function of another region or account is refused, because it could not use the layer', () => {
  const { app, telemetry } = telemetryIn({}, { env: { account: '111122223333', region: 'eu-west-1' } });
  const attachIn = (account: string, region: string) =>
    telemetry.attachTo(someFunction(new Stack(app, `In${account}${region}`, { env: { account, region } })));
  assert.throws(() => attachIn('111122223333', 'eu-central-1'), /its region is eu-central-1, and that of the layer is eu-west-1/);
  assert.throws(() => attachIn('444455556666', 'eu-west-1'), /its account is 444455556666/);
});

test('a stream of another account is named by its ARN, and its key is allowed', () => {
  const { stack } = telemetryIn({}, { env: { account: '111122223333', region: 'eu-west-1' } });
  const streamArn = 'arn:aws:kinesis:eu-west-1:444455556666:stream/central';
  const keyArn = 'arn:aws:kms:eu-west-1:444455556666:key/00000000-0000-0000-0000-000000000000';
  const encryptionKey = kms.Key.fromKeyArn(stack, 'CentralKey', keyArn);
  const stream = kinesis.Stream.fromStreamAttributes(stack, 'Central', { streamArn, encryptionKey });
  const { telemetry, stack: theirs } = telemetryIn({ stream }, { env: { account: '111122223333', region: 'eu-west-1' } });
  telemetry.attachTo(someFunction(theirs));
  assert.equal(attached(theirs).variables[`${ENV_PREFIX}STREAM`], streamArn);
  const key = statements(theirs).find((it) => it.Action === 'kms:GenerateDataKey');
  assert.deepEqual([key?.Resource, key?.Condition], [keyArn, { StringEquals: { 'kms:EncryptionContext:aws:kinesis:arn': streamArn } }]);
  Template.fromStack(theirs).resourceCountIs('AWS::Kinesis::Stream', 0);
  const alarms = Object.values(Template.fromStack(theirs).findResources('AWS::CloudWatch::Alarm')) as { Properties: { Namespace: string } }[];
  assert.deepEqual(alarms.map((it) => it.Properties.Namespace), ['AWS/SQS'], 'the metrics of the stream are in its account');
});

test('a new stream takes records as large and distributes them as it was asked to, whatever the CDK knows of that', () => {
  const { stack } = telemetryIn({ newStream: { maxRecordSize: Size.mebibytes(4), recordDistribution: RecordDistribution.AUTO } });
  Template.fromStack(stack).hasResourceProperties('AWS::Kinesis::Stream', { MaxRecordSizeInKiB: 4096, RecordDistributionStrategy: 'AUTO' });
});

test('a stream, its mode and its shards that exclude each other are refused', () => {
  const stream = (stack: Stack) => kinesis.Stream.fromStreamArn(stack, 'Old', 'arn:aws:kinesis:eu-west-1:111122223333:stream/old');
  const made = telemetryIn();
  assert.throws(() => telemetryIn({ stream: stream(made.stack), newStream: {} }), /stream and newStream exclude each other/);
  assert.throws(() => telemetryIn({ newStream: { shardCount: 2 } }), /shardCount is 2, and a stream on demand has no fixed number/);
  const provisioned = { mode: kinesis.StreamMode.PROVISIONED, recordDistribution: RecordDistribution.AUTO };
  assert.throws(() => telemetryIn({ newStream: provisioned }), /which only streams on demand know/);
});
