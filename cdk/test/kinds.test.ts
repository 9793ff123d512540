import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Annotations as CdkAnnotations, Aspects, CfnResource, NestedStack, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Annotations } from 'aws-cdk-lib/assertions';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { AttachTelemetry, Flush } from '../lib/index';
import { ENV_PREFIX } from '../lib/spec';
import { Match, Template, someFunction, telemetryIn } from './test-environment';

const ARN = 'arn:aws:lambda:eu-west-1:111122223333:function:theirs';

const singleton = (scope: Construct, id: string): lambda.SingletonFunction =>
  new lambda.SingletonFunction(scope, id, {
    uuid: `uuid-of-${id}`,
    runtime: lambda.Runtime.NODEJS_22_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline('exports.handler = async () => {}'),
  });

const rawFunction = (scope: Construct, id: string) => new lambda.CfnFunction(scope, id, { code: { imageUri: 'image' }, packageType: 'Image', role: 'role' });

/** The constructs of Web Functions, which the older versions of the CDK do not have. */
const { WebFunction, WebFunctionCode, WebFunctionRuntime, WebFunctionAuthType } = lambda as Partial<typeof lambda>;
const webFunctions: Record<string, Kind> =
  WebFunction && WebFunctionCode && WebFunctionRuntime && WebFunctionAuthType
    ? {
        'a Web Function': {
          make: (scope, id) =>
            new WebFunction(scope, id, {
              code: WebFunctionCode.fromBucket(s3.Bucket.fromBucketName(scope, 'Code', 'code'), 'code.zip'),
              runtime: WebFunctionRuntime.NODEJS_LATEST,
              defaultEndpointAuth: WebFunctionAuthType.IAM_AUTH,
            }),
          said: /is a Web Function/,
        },
        'an imported Web Function': {
          make: (scope, id) => WebFunction.fromWebFunctionArn(scope, id, 'arn:aws:lambda:eu-west-1:111122223333:web-function/theirs'),
          said: /is a Web Function/,
        },
      }
    : {};

interface Kind {
  readonly make: (scope: Construct, id: string) => unknown;
  readonly said: RegExp;
  /** The construct with the warning; the function itself by default. */
  readonly at?: string;
}

const resource = (type: string) => (scope: Construct, id: string) => new CfnResource(scope, id, { type });

/** Everything that is a function, or stands for one, and takes no layer from this app. */
const kinds: Record<string, Kind> = {
  ...webFunctions,
  'a resource of a Web Function': { make: resource('AWS::Lambda::WebFunction'), said: /is a Web Function/ },
  'a resource of a MicroVM image': { make: resource('AWS::Lambda::MicrovmImage'), said: /MicroVM/ },
  'a resource without a construct': { make: rawFunction, said: /AWS::Lambda::Function .*without a lambda\.Function/ },
  'a resource of a template': { make: resource('AWS::Lambda::Function'), said: /AWS::Lambda::Function .*without a lambda\.Function/ },
  'a resource of SAM': { make: resource('AWS::Serverless::Function'), said: /AWS::Serverless::Function .*without a lambda\.Function/ },
  'a function of another copy of the CDK, a construct around a resource': {
    make: (scope, id) => rawFunction(new Construct(scope, id), 'Resource').node.scope,
    said: /AWS::Lambda::Function .*without a lambda\.Function of this app's aws-cdk-lib.*npm ls aws-cdk-lib/,
  },
  'a resource that is called as the child of a construct': {
    make: (scope) => rawFunction(scope, 'Resource'),
    said: /AWS::Lambda::Function .*without a lambda\.Function/,
    at: '/Theirs/Resource',
  },
  'a resource in a construct with two essences': {
    make: (scope, id) => {
      const construct = new Construct(scope, id);
      new Construct(construct, 'Default');
      return rawFunction(construct, 'Resource');
    },
    said: /AWS::Lambda::Function .*without a lambda\.Function/,
    at: '/Theirs/It/Resource',
  },
  "a function of the CDK's own": {
    make: (scope, id) => new s3.Bucket(scope, id, { autoDeleteObjects: true, removalPolicy: RemovalPolicy.DESTROY }),
    said: /AWS::Lambda::Function .*without a lambda\.Function/,
    at: '/Theirs/Custom::S3AutoDeleteObjectsCustomResourceProvider/Handler',
  },
  'an imported function': { make: (scope, id) => lambda.Function.fromFunctionArn(scope, id, ARN), said: /is imported/ },
  'a function that is imported by name': { make: (scope, id) => lambda.Function.fromFunctionName(scope, id, 'theirs'), said: /is imported/ },
  'an imported version': { make: (scope, id) => lambda.Version.fromVersionArn(scope, id, `${ARN}:7`), said: /is imported/, at: '/Theirs/ItFunction' },
  'an alias of an imported version': {
    make: (scope, id) => new lambda.Alias(scope, 'Live', { aliasName: 'live', version: lambda.Version.fromVersionArn(scope, id, `${ARN}:7`) }),
    said: /is imported/,
    at: '/Theirs/ItFunction',
  },
  'an imported alias': {
    make: (scope, id) =>
      lambda.Alias.fromAliasAttributes(scope, 'Live', { aliasName: 'live', aliasVersion: lambda.Version.fromVersionArn(scope, id, `${ARN}:7`) }),
    said: /is imported/,
    at: '/Theirs/ItFunction',
  },
  'a container image': {
    make: (scope, id) => {
      const repository = ecr.Repository.fromRepositoryName(scope, 'Repository', 'images');
      return new lambda.DockerImageFunction(scope, id, { code: lambda.DockerImageCode.fromEcr(repository) });
    },
    said: /is a container image/,
  },
};

/** Every warning and error below a stack. */
function annotations(stack: Stack) {
  const of = Annotations.fromStack(stack);
  const anything = Match.stringLikeRegexp('.*');
  const said = (messages: ReturnType<Annotations['findWarning']>) =>
    messages.map(({ id, entry }) => ({ id, text: entry.data as string })).filter(({ text }) => !text.includes('@aws-cdk/'));
  return { warnings: said(of.findWarning('*', anything)), errors: said(of.findError('*', anything)) };
}

/** Returns the number of a stack's functions that have telemetry. */
function attachedIn(stack: Stack): number {
  const functions = Object.values(Template.fromStack(stack).findResources('AWS::Lambda::Function'));
  return functions.filter((it) => JSON.stringify(it).includes(`${ENV_PREFIX}STREAM`)).length;
}

for (const [what, { make, said, at = '/Theirs/It' }] of Object.entries(kinds)) {
  test(`an aspect passes over ${what} with one warning, also where there are two aspects`, () => {
    const { app, stack, telemetry } = telemetryIn();
    make(stack, 'It');
    Aspects.of(app).add(new AttachTelemetry(telemetry));
    Aspects.of(stack).add(new AttachTelemetry(telemetry, { flush: Flush.END }));
    const { warnings, errors } = annotations(stack);
    assert.deepEqual(errors, []);
    assert.deepEqual(warnings.map(({ id }) => id), [at]);
    assert.match(warnings[0]?.text ?? '', said);
    assert.match(warnings[0]?.text ?? '', /\[ack: kinesis-telemetry:[a-z-]+\]$/);
    assert.equal(attachedIn(stack), 0);
  });

  test(`${what} is refused by attachTo with its path and a remedy`, () => {
    const { stack, telemetry } = telemetryIn();
    const it = make(stack, 'It');
    if (it instanceof s3.Bucket) return;
    assert.throws(
      () => telemetry.attachTo(it as lambda.Function),
      (error: Error) => !(error instanceof TypeError) && /^telemetry cannot be attached to Theirs\/(It|Live|Resource)[^:]*: .*: /.test(error.message),
    );
  });
}

test('an aspect attaches once to a function that has versions and aliases, and says nothing', () => {
  const { app, stack, telemetry } = telemetryIn();
  const fn = someFunction(stack);
  fn.addAlias('live');
  fn.addAlias('canary');
  assert.ok(fn.latestVersion);
  Aspects.of(app).add(new AttachTelemetry(telemetry));
  assert.deepEqual(annotations(stack), { warnings: [], errors: [] });
  assert.equal(attachedIn(stack), 1);
});

test('an aspect attaches once to the function of singletons, wherever it is applied', () => {
  for (const where of ['app', 'stack', 'construct'] as const) {
    const { app, stack, telemetry } = telemetryIn();
    const construct = new Construct(stack, 'Construct');
    const [first] = [singleton(construct, 'It'), singleton(new Construct(construct, 'Again'), 'It')];
    assert.ok(first.currentVersion);
    Aspects.of({ app, stack, construct }[where]).add(new AttachTelemetry(telemetry));
    assert.deepEqual(annotations(stack), { warnings: [], errors: [] }, where);
    assert.equal(attachedIn(stack), 1, where);
  }
});

test('a singleton can be left out, and an error of it is said once', () => {
  const { app, stack, telemetry } = telemetryIn();
  singleton(stack, 'Left');
  const settingsFor = ({ node }: lambda.Function) => (node.path.includes('SingletonLambda') ? undefined : {});
  Aspects.of(app).add(new AttachTelemetry(telemetry, { selector: { settingsFor } }));
  assert.equal(attachedIn(stack), 0);

  const other = telemetryIn({}, { env: { account: '111122223333', region: 'eu-west-1' } });
  const edge = new Stack(other.app, 'Edge', { env: { account: '111122223333', region: 'us-east-1' } });
  singleton(edge, 'It');
  Aspects.of(other.app).add(new AttachTelemetry(other.telemetry));
  assert.equal(annotations(edge).errors.length, 1);
});

test('a warning that was acknowledged is not said', () => {
  const { app, stack, telemetry } = telemetryIn();
  rawFunction(stack, 'It');
  Aspects.of(app).add(new AttachTelemetry(telemetry));
  const [warning] = annotations(stack).warnings;
  const id = /\[ack: (.*)\]$/.exec(warning?.text ?? '')?.[1] ?? '';
  assert.ok(id);

  const again = telemetryIn();
  rawFunction(again.stack, 'It');
  CdkAnnotations.of(again.stack).acknowledgeWarning(id);
  Aspects.of(again.app).add(new AttachTelemetry(again.telemetry));
  assert.deepEqual(annotations(again.stack).warnings, []);
});

test('attachTo names the function behind a version, an alias or a singleton', () => {
  const { stack, telemetry } = telemetryIn();
  const fn = someFunction(stack);
  for (const [of, behind] of [
    [fn.currentVersion, /Theirs\/Orders\/CurrentVersion: .*attach telemetry to its function, Theirs\/Orders$/],
    [fn.latestVersion, /Theirs\/Orders\/\$LATEST: .*attach telemetry to its function, Theirs\/Orders$/],
    [fn.addAlias('live'), /Theirs\/Orders\/Aliaslive: .*attach telemetry to its function, Theirs\/Orders$/],
    [singleton(stack, 'Single'), /Theirs\/Single: it is a SingletonFunction, .*: .*AttachTelemetry/],
  ] as [unknown, RegExp][]) {
    assert.throws(() => telemetry.attachTo(of as lambda.Function), behind);
  }
  assert.equal(attachedIn(stack), 0);
});

test('whatever else attachTo is given is named, with what to give', () => {
  const { app, stack, telemetry } = telemetryIn();
  const throwing = { get node(): unknown { throw new Error('mine'); } };
  for (const [given, shown] of [
    [undefined, 'undefined'],
    [null, 'null'],
    ['orders', '"orders"'],
    ['a\u001b[31m\n\u009b1m\u202eb', String.raw`"a\\u001b\[31m\\n\\u\{9b\}1m\\u\{202e\}b"`],
    [7, '7'],
    [Symbol('s'), 'Symbol\\(s\\)'],
    [{}, '\\{\\}'],
    [Object.create(null), '\\[Object: null prototype\\] \\{\\}'],
    [{ node: { path: 'Theirs/Orders' } }, '\\{ node: \\[Object\\] \\}'],
    [throwing, '\\{ node: \\[Getter\\] \\}'],
    [class Mine {}, '\\[class Mine\\]'],
    [['orders', 1n], "\\[ 'orders', 1n \\]"],
    [app, 'the app'],
    [stack, 'Theirs'],
    [telemetry.stream, 'Theirs/Telemetry/Stream'],
    [new NestedStack(stack, 'Nested'), 'Theirs/Nested'],
  ] as [unknown, string][]) {
    const expected = new RegExp(`^telemetry cannot be attached to ${shown}: it is no lambda\\.Function: give the function that is to deliver its telemetry$`);
    assert.throws(() => telemetry.attachTo(given as lambda.Function), { message: expected });
  }
});
