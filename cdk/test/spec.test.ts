import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Aws, CfnParameter, Duration, Lazy, Size, Stack, Token } from 'aws-cdk-lib';
import { Compression, type Destinations, ENV_PREFIX, EXTENSION_NAME, Envelope, Flush, LAYERS, PublishedParameter, RecordFormat, type TelemetrySettings, toEnvironment } from '../lib/spec';

/** Returns the problems of invalid settings, one a line. */
function problems(settings: TelemetrySettings & Destinations): string[] {
  try {
    toEnvironment(settings);
  } catch (error) {
    return (error as Error).message.split('\n  ').slice(1);
  }
  return [];
}

test('units survive the crossing', () => {
  const variables = toEnvironment({
    stream: 'telemetry',
    types: ['platform.report', 'function'],
    flush: Flush.START,
    flushTimeout: Duration.seconds(2),
    maxRecordBytes: Size.mebibytes(2),
    queueMaxBytes: Size.gibibytes(4),
    maxBatchRecordsItems: 7,
    strict: true,
  });
  assert.deepEqual(variables, {
    [`${ENV_PREFIX}STREAM`]: 'telemetry',
    [`${ENV_PREFIX}TYPES`]: 'platform.report,function',
    [`${ENV_PREFIX}FLUSH`]: 'start',
    [`${ENV_PREFIX}FLUSH_TIMEOUT_MS`]: '2000',
    [`${ENV_PREFIX}MAX_RECORD_BYTES`]: '2097152',
    [`${ENV_PREFIX}QUEUE_MAX_BYTES`]: '4294967296',
    [`${ENV_PREFIX}MAX_BATCH_RECORDS_ITEMS`]: '7',
    [`${ENV_PREFIX}STRICT`]: 'true',
  });
});

test('what is left out is left to the extension', () => {
  assert.deepEqual(toEnvironment({}), {});
  assert.deepEqual(toEnvironment({ flush: undefined, strict: undefined, types: undefined }), {});
});

test('everything that cannot be used is named together, with its value and a remedy', () => {
  assert.deepEqual(
    problems({
      stream: 'two words',
      flush: 'now' as Flush,
      flushTimeout: Duration.minutes(2),
      bufferTimeout: Duration.millis(25.5),
      maxRecordBytes: Size.bytes(4095),
      maxBatchRecordsItems: 0,
      strict: 'yes' as unknown as boolean,
    }),
    [
      'stream is "two words": set the name of a stream (1 to 128 of a-z A-Z 0-9 _ . -) or its ARN ' +
        '(arn:aws:kinesis:REGION:ACCOUNT:stream/NAME)',
      'flush is "now": set one of adaptive, end, start',
      'flushTimeout is 120000 ms: set a whole number of ms from 50 to 60000',
      'maxBatchRecordsItems is 0: set a whole number from 1 to 1000000',
      'bufferTimeout is 25.5 ms: set a whole number of ms from 25 to 30000',
      'maxRecordBytes is 4095 bytes: set a whole number of bytes from 4096 to 10485760',
      'strict is "yes": set true or false',
    ],
  );
});

test('the ends of a range are within it', () => {
  assert.deepEqual(problems({ bufferTimeout: Duration.millis(25), maxRecordBytes: Size.mebibytes(10) }), []);
});

test('a stream is a name or an ARN and nothing else', () => {
  const arn = 'arn:aws:kinesis:eu-west-1:111122223333:stream/telemetry';
  for (const stream of ['orders_1.a-b', arn, arn.replace('aws', 'aws-cn')]) {
    assert.deepEqual(problems({ stream }), [], stream);
  }
  const odd = [arn.replace('eu-west-1', 'eu west\n1'), arn.replace('aws', 'awsfoo'), arn.replace('aws', 'aws-')];
  for (const stream of [...odd, '', 'two words', `${arn}/consumer/b:1`, arn.replace('kinesis', 'sqs'), 'x'.repeat(129)]) {
    assert.equal(problems({ stream }).length, 1, stream);
  }
});

test('types are categories and single types of the platform', () => {
  assert.deepEqual(problems({ types: ['platform', 'function', 'extension', 'platform.report'] }), []);
  assert.equal(problems({ types: [] }).length, 1);
  assert.equal(problems({ types: ['platform.', 'function.x'] }).length, 1);
});

test('what only the deployment knows is passed on', () => {
  const stack = new Stack();
  const number = new CfnParameter(stack, 'Number', { type: 'Number' }).valueAsNumber;
  const variables = stack.resolve(
    toEnvironment({
      stream: Lazy.string({ produce: () => Aws.STACK_NAME }),
      flushTimeout: Duration.millis(number),
      maxRecordBytes: Size.bytes(number),
      maxBatchRecordsItems: number,
    }),
  ) as Record<string, unknown>;
  const reference = { 'Fn::Join': ['', [{ Ref: 'Number' }]] };
  assert.deepEqual(variables[`${ENV_PREFIX}STREAM`], { Ref: 'AWS::StackName' });
  for (const name of ['FLUSH_TIMEOUT_MS', 'MAX_RECORD_BYTES', 'MAX_BATCH_RECORDS_ITEMS']) {
    const value = variables[`${ENV_PREFIX}${name}`];
    assert.ok(
      JSON.stringify(value) === JSON.stringify({ Ref: 'Number' }) || JSON.stringify(value) === JSON.stringify(reference),
      `${name}: ${JSON.stringify(value)}`,
    );
  }
});

test('a token in a unit that cannot be converted is named', () => {
  const number = Token.asNumber({ Ref: 'Number' });
  const said = problems({ flushTimeout: Duration.seconds(number), maxRecordBytes: Size.kibibytes(number) });
  assert.match(said[0] ?? '', /^flushTimeout: .*Duration\.millis/);
  assert.match(said[1] ?? '', /^maxRecordBytes: .*Size\.bytes/);
});

test('names fit together', () => {
  for (const [architecture, layer] of Object.entries(LAYERS)) {
    assert.equal(layer.name, `${EXTENSION_NAME}-${architecture}`);
    assert.equal(layer.zip, `${layer.name}.zip`);
  }
  const parameters = Object.values(PublishedParameter) as PublishedParameter[];
  assert.ok(parameters.length > 5);
  assert.equal(new Set(parameters.map((it) => it.parameterName)).size, parameters.length);
});

test('whatever a caller without TypeScript gives is named, and hides no other problem', () => {
  const given = {
    stream: null,
    types: 'platform',
    flush: 5,
    flushTimeout: 5,
    maxAge: Size.bytes(1),
    maxRecordBytes: Duration.millis(1),
    maxBatchRecordsItems: '5',
    strict: 1n,
    flushTimout: Duration.seconds(1),
  } as unknown as TelemetrySettings;
  const said = problems(given).map((problem) => problem.split(':')[0]);
  assert.deepEqual(said, [
    'flushTimout is no setting',
    'stream is null',
    'types is "platform"',
    'flush is 5',
    'flushTimeout is 5',
    'maxAge is Size.bytes(1)',
    'maxBatchRecordsItems is "5"',
    'maxRecordBytes is Duration.millis(1)',
    'strict is 1',
  ]);
});

test('a list of what is no text is named, too', () => {
  assert.deepEqual(problems({ types: [1n, { toString: null }] as unknown as ['platform'], flush: Object.create(null) as Flush }).map((it) => it.split(':')[0]), [
    'types is [ 1n, [Object] ]',
    'flush is [Object',
  ]);
});

test('fractions of a unit are whole numbers of a smaller one, or named', () => {
  assert.equal(toEnvironment({ flushTimeout: Duration.seconds(1.001) })[`${ENV_PREFIX}FLUSH_TIMEOUT_MS`], '1001');
  for (let ms = 50; ms <= 60_000; ms += 1) {
    assert.deepEqual(problems({ flushTimeout: Duration.seconds(ms / 1000) }), [], `${ms} ms`);
  }
  assert.match(problems({ maxRecordBytes: Size.mebibytes(1.1), flush: 'x' as Flush })[1] ?? '', /^maxRecordBytes is 1153433.6 bytes: /);
  assert.equal(problems({ maxRecordBytes: Size.kibibytes(Number.NaN) }).length, 1);
});

test('settings that exclude each other are refused', () => {
  assert.deepEqual(problems({ recordFormat: RecordFormat.KPL, compression: Compression.GZIP, envelope: Envelope.RECORD }), [
    'compression is "gzip": set one of none, or another recordFormat than kpl',
    'envelope is "record": set one of event, none, or another recordFormat than kpl',
  ]);
  assert.deepEqual(problems({ recordFormat: RecordFormat.NDJSON, compression: Compression.ZSTD, envelope: Envelope.RECORD }), []);
  assert.deepEqual(problems({ compression: Compression.GZIP }), []);
});

test('lines can be asked for from a level on, and only lines', () => {
  assert.deepEqual(problems({ types: ['platform', 'function:warn', 'extension:error'] }), []);
  assert.equal(problems({ types: ['platform.report:warn'] }).length, 1);
});

test('a share is a number from 0 to 1, written without an exponent', () => {
  for (const [sample, written] of [[0, '0'], [1, '1'], [0.05, '0.05'], [1e-7, '0.00000010000000000000']] as const) {
    assert.deepEqual(toEnvironment({ sample }), { [`${ENV_PREFIX}SAMPLE`]: written });
  }
  const number = Token.asNumber({ Ref: 'Share' });
  assert.deepEqual(new Stack().resolve(toEnvironment({ sample: number })), { [`${ENV_PREFIX}SAMPLE`]: { Ref: 'Share' } });
  for (const [sample, shown] of [[2, '2'], [-0.1, '-0.1'], [Number.NaN, 'NaN'], [Infinity, 'Infinity'], ['0.5', '"0.5"']] as const) {
    assert.deepEqual(problems({ sample: sample as number }), [`sample is ${shown}: set a decimal number from 0 to 1, such as 0.05`]);
  }
});

test('conditions are failed, a level, or a number of milliseconds', () => {
  const keep = ['failed', 'level:warn', 'slow:2000'];
  assert.deepEqual(toEnvironment({ keep }), { [`${ENV_PREFIX}KEEP`]: 'failed,level:warn,slow:2000' });
  const condition = Lazy.string({ produce: () => Aws.STACK_NAME }) as 'failed';
  assert.deepEqual(problems({ keep: ['failed', condition] }), []);
  const conditions = 'failed, level:LEVEL such as level:error, or slow:MS such as slow:2000, separated by commas';
  const odd = ['Failed', 'level', 'level:loud', 'slow:', 'slow:1.5', 'slow:-1', 'failed,level:error', '', 5];
  for (const word of odd) {
    const said = problems({ keep: [word as 'failed'] });
    assert.equal(said.length, 1, String(word));
    assert.ok(said[0]?.startsWith('keep is ') && said[0].endsWith(`: set ${conditions}`), said[0]);
  }
  assert.equal(problems({ keep: [] }).length, 1);
  assert.equal(problems({ keep: 'failed' as unknown as ['failed'] }).length, 1);
});

test('a share of lines that no type selects is refused', () => {
  const remedy = 'add function to types, of whose lines it is the share, or remove it';
  assert.deepEqual(problems({ sample: 0.05, types: ['platform', 'extension'] }), [`sample is 0.05: ${remedy}`]);
  for (const types of [['platform', 'function'], ['function:warn'], [Lazy.string({ produce: () => 'function' })]]) {
    assert.deepEqual(problems({ sample: 0, types }), []);
  }
  assert.deepEqual(problems({ sample: 1, types: ['platform'] }), []);
  assert.deepEqual(problems({ sample: 0.05 }), []);
});
