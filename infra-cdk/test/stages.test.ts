import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { AwsSolutionsChecks } from 'cdk-nag';
import { METRICS } from 'kinesis-telemetry-cdk/build/lib/spec';
import { STAGES, VERIFICATION } from '../lib/spec';
import { outline } from './outline';
import { isAsReviewed } from './reviewed';
import { Match, Template, dashboard, deployment, someFunction, statements } from './test-environment';

for (const stage of Object.keys(STAGES)) {
  test(`the stacks of ${stage} are as they were reviewed`, () => {
    const { telemetry, testFunction } = deployment({ stage });
    const both = [telemetry, testFunction].map((stack) => `# ${stack.stackName}\n\n${outline(Template.fromStack(stack).toJSON())}`);
    isAsReviewed(`${stage}.txt`, both.join('\n'));
  });

  test(`cdk-nag has nothing to say of ${stage} that is not answered`, () => {
    const { app } = deployment({ stage });
    assert.deepEqual(new AwsSolutionsChecks(app).validateScope(app).violations, []);
  });
}

test('cdk-nag would find something', () => {
  const { app, telemetry } = deployment({ stage: 'dev' });
  someFunction(telemetry);
  const rules = new AwsSolutionsChecks(app).validateScope(app).violations.map((it) => it.ruleName);
  assert.ok(rules.some((it) => it.startsWith('AwsSolutions-IAM4')), rules.join());
});

test('dev is gone with its stack, but for its layer versions', () => {
  const { telemetry } = deployment({ stage: 'dev' });
  const template = Template.fromStack(telemetry);
  template.hasResource('AWS::Kinesis::Stream', { DeletionPolicy: 'Delete' });
  template.hasResource('AWS::SQS::Queue', { DeletionPolicy: 'Delete' });
  template.allResources('AWS::Lambda::LayerVersion', { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
  template.hasResourceProperties('AWS::Kinesis::Stream', {
    StreamEncryption: { EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' },
    StreamModeDetails: { StreamMode: 'ON_DEMAND' },
  });
});

test('every stage keeps a record for a day at least, as Kinesis does', () => {
  for (const { retention } of Object.values(STAGES)) assert.ok(retention.toHours() >= 24);
});

test('prod retains its stream, the key of it and the dead letters', () => {
  const { telemetry } = deployment({ stage: 'prod' });
  const template = Template.fromStack(telemetry);
  for (const type of ['AWS::Kinesis::Stream', 'AWS::KMS::Key', 'AWS::SQS::Queue']) {
    // Except on create: what could not be deployed at all leaves nothing behind.
    template.allResources(type, { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
  }
  template.hasResourceProperties('AWS::Kinesis::Stream', {
    RetentionPeriodHours: STAGES.prod.retention.toHours(),
    StreamEncryption: { EncryptionType: 'KMS', KeyId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] } },
  });
});

test('every alarm of prod tells the topic, which takes it from CloudWatch alone', () => {
  const { telemetry } = deployment({ stage: 'prod' });
  const template = Template.fromStack(telemetry);
  template.allResourcesProperties('AWS::CloudWatch::Alarm', {
    AlarmActions: [{ Ref: Match.stringLikeRegexp('^AlarmTopic') }],
    AlarmDescription: Match.stringLikeRegexp('docs/deploying.md'),
  });
  const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')) as { Properties: { MetricName: string; TreatMissingData: string } }[];
  const others = alarms.map(({ Properties }) => Properties).filter(({ TreatMissingData }) => TreatMissingData !== 'notBreaching');
  assert.equal(alarms.length, 9);
  assert.deepEqual(Object.fromEntries(others.map((it) => [it.MetricName, it.TreatMissingData])), { MissingEvents: 'ignore', Errors: 'breaching' });
  for (const metric of [METRICS.deliveryLag, METRICS.shed, METRICS.logsDropped, METRICS.missingEvents]) {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { Namespace: METRICS.namespace, MetricName: metric });
  }
  template.hasResourceProperties('AWS::SNS::TopicPolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([Match.objectLike({ Effect: 'Allow', Principal: { Service: 'cloudwatch.amazonaws.com' } })]),
    },
  });
  Template.fromStack(deployment({ stage: 'dev' }).telemetry).resourceCountIs('AWS::CloudWatch::Alarm', 4);
});

test('the document has the query with which the dashboard reads what the extension logs', () => {
  const { telemetry } = deployment({ stage: 'dev' });
  const queries = dashboard(telemetry).widgets.filter(({ type }) => type === 'log').map(({ properties }) => String(properties['query']));
  const document = readFileSync(path.join(__dirname, '../../../docs/operating.md'), 'utf8');
  assert.equal(queries.length, 1);
  for (const query of queries) assert.ok(document.includes(`\n${query.slice(query.indexOf('fields'))}\n`), query);
});

test('the deployment for verification has a function for each scenario, architecture and state of the layer, and retains nothing', () => {
  const { app, telemetry, verification } = deployment({ stage: 'prod', name: VERIFICATION });
  assert.ok(verification);
  const template = Template.fromStack(verification);
  isAsReviewed(`${VERIFICATION}.txt`, outline(template.toJSON()));
  for (const architecture of ['x86_64', 'arm64']) {
    const functions = Object.values(template.findResources('AWS::Lambda::Function', { Properties: { Architectures: [architecture] } }));
    assert.equal(functions.length, 9);
    const withLayer = functions.filter((it) => (it as { Properties: { Layers?: unknown } }).Properties.Layers !== undefined);
    assert.equal(withLayer.length, 8, 'the control has none');
  }
  const snapStart = { SnapStart: { ApplyOn: 'PublishedVersions' }, Runtime: Match.stringLikeRegexp('^python') };
  template.resourcePropertiesCountIs('AWS::Lambda::Function', snapStart, 2);
  for (const stack of [telemetry, verification]) {
    const resources = Object.values(Template.fromStack(stack).toJSON()['Resources'] as object) as { DeletionPolicy?: string }[];
    assert.deepEqual(resources.filter((it) => it.DeletionPolicy?.startsWith('Retain')), []);
  }
  assert.deepEqual(new AwsSolutionsChecks(app).validateScope(app).violations, []);
});

test('no other deployment has functions for verification', () => {
  for (const name of [undefined, 'blue']) {
    assert.equal(deployment({ stage: 'dev', ...(name !== undefined && { name }) }).verification, undefined);
  }
});

test('no policy names everything as its resource', () => {
  for (const stage of Object.keys(STAGES)) {
    const { telemetry, testFunction } = deployment({ stage });
    const all = [telemetry, testFunction].flatMap(statements);
    assert.ok(all.length >= 3);
    assert.ok(all.every(({ Resource }) => Resource !== '*'), JSON.stringify(all));
  }
});

test('the test function logs JSON into a group that keeps it for a day, and its role can do nothing else', () => {
  const { testFunction } = deployment({ stage: 'dev', architecture: 'arm64' });
  const template = Template.fromStack(testFunction);
  template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 1 });
  template.hasResourceProperties('AWS::Lambda::Function', {
    Architectures: ['arm64'],
    LoggingConfig: { LogFormat: 'JSON', LogGroup: { Ref: Match.stringLikeRegexp('^Log') } },
    Runtime: 'provided.al2023',
  });
  template.hasResourceProperties('AWS::IAM::Role', { ManagedPolicyArns: [{ Ref: Match.stringLikeRegexp('policyarn') }] });
  assert.deepEqual(statements(testFunction).map((it) => it.Action), [['logs:CreateLogStream', 'logs:PutLogEvents']]);
});

test('an organisation may use the layers, and goes on to when there is a newer version', () => {
  const { telemetry } = deployment({ stage: 'dev', organizationId: 'o-a1b2c3d4e5' });
  const template = Template.fromStack(telemetry);
  template.resourceCountIs('AWS::Lambda::LayerVersionPermission', 2);
  template.allResources('AWS::Lambda::LayerVersionPermission', {
    UpdateReplacePolicy: 'Retain',
    Properties: { Action: 'lambda:GetLayerVersion', Principal: '*', OrganizationId: 'o-a1b2c3d4e5' },
  });
});

test('everything bears the tags of its deployment', () => {
  const { telemetry } = deployment({ stage: 'dev', name: 'blue' });
  assert.equal(telemetry.stackName, 'KinesisTelemetry-dev-blue');
  Template.fromStack(telemetry).hasResourceProperties('AWS::Kinesis::Stream', {
    Tags: [
      { Key: 'deployment', Value: 'blue' },
      { Key: 'project', Value: 'kinesis-telemetry-extension' },
      { Key: 'stage', Value: 'dev' },
    ],
  });
});
