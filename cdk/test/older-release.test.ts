import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { App, NestedStack, Stack, Stage } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { KinesisTelemetry } from '../lib/index';
import { olderRelease } from '../lib/older-release';
import { PublishedParameter, RELEASE } from '../lib/spec';
import { Template, zips } from './test-environment';

const ZIPS = zips();
const DEPLOYED = 'kinesis-telemetry:deployedRelease';

/** Makes an app with a folder for its output, which a later app may have again. */
function app(outdir: string, context: Record<string, unknown> = {}): App {
  return new App({ outdir, context });
}

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'out-'));
  process.on('exit', () => rmSync(made, { recursive: true }));
  return made;
}

function telemetryIn(scope: Construct, deploymentName?: string): KinesisTelemetry {
  return new KinesisTelemetry(scope, 'Telemetry', { zips: ZIPS, deploymentName });
}

const places: Record<string, (app: App) => Stack> = {
  'a stack': (it) => new Stack(it, 'S'),
  'a stack of a stage': (it) => new Stack(new Stage(it, 'Prod'), 'S'),
  'a nested stack': (it) => new NestedStack(new Stack(it, 'S'), 'N'),
};

for (const [what, place] of Object.entries(places)) {
  test(`an older package is refused ${what} that a newer one has synthesised`, () => {
    const outdir = folder();
    const first = app(outdir);
    assert.deepEqual(olderRelease(telemetryIn(place(first)), undefined, '0.0.1'), [], 'nothing was synthesised');
    first.synth();
    const telemetry = telemetryIn(place(app(outdir)));
    const [problem = '', ...others] = olderRelease(telemetry, undefined, '0.0.1');
    assert.ok(problem.includes(`Telemetry would get layers of release 0.0.1, which is older than ${RELEASE}, which the last synthesis in ${outdir}`), problem);
    assert.deepEqual([others, olderRelease(telemetry, undefined, RELEASE), olderRelease(telemetry, undefined, '99.0.0')], [[], [], []]);
    const [, file = ''] = /is not deployed, remove (\S+\.json);/.exec(problem) ?? [];
    rmSync(file);
    assert.deepEqual(olderRelease(telemetry, undefined, '0.0.1'), [], 'the remedy helps');
  });
}

test('the synthesis fails if the context states a newer release, and leaves the last template as it is', () => {
  const outdir = folder();
  const first = app(outdir);
  telemetryIn(new Stack(first, 'S'));
  first.synth();
  const older = app(outdir, { [DEPLOYED]: '99.1.0' });
  telemetryIn(new Stack(older, 'S', { description: 'Older' }));
  assert.throws(() => older.synth(), /S\/Telemetry would get layers of release .* older than 99\.1\.0, which the context kinesis-telemetry:deployedRelease states/);
  assert.doesNotMatch(readFileSync(path.join(outdir, 'S.template.json'), 'utf8'), /Older/);
});

test('an older release can be allowed', () => {
  const context = { [DEPLOYED]: '99.1.0', 'kinesis-telemetry:allowOlderRelease': 'true' };
  const allowed = app(folder(), context);
  telemetryIn(new Stack(allowed, 'S'));
  allowed.synth();
});

test('both the context and the last template are compared, and an empty text states nothing', () => {
  const outdir = folder();
  const first = app(outdir);
  telemetryIn(new Stack(first, 'S'));
  first.synth();
  const problems = (deployed: string, own: string) =>
    olderRelease(telemetryIn(new Stack(app(outdir, { [DEPLOYED]: deployed }), 'S')), undefined, own).length;
  assert.deepEqual([problems('', '0.0.2'), problems('0.0.1', '0.0.2'), problems('0.0.3', '0.0.2')], [1, 1, 2]);
  assert.deepEqual([problems('99.1.0', RELEASE), problems('0.0.1', RELEASE)], [1, 0]);
});

test('a template that states no release does not fail the synthesis', () => {
  const outdir = folder();
  const parameter = { Properties: { Name: PublishedParameter.RELEASE.nameIn(undefined), Value: 'latest' } };
  for (const text of ['', '{"Resources": {', 'null', '[]', '{"Resources": null}', '{"Resources": {"A": null}}', JSON.stringify({ Resources: { parameter } })]) {
    writeFileSync(path.join(outdir, 'S.template.json'), text);
    const again = app(outdir);
    telemetryIn(new Stack(again, 'S'));
    again.synth();
    assert.match(readFileSync(path.join(outdir, 'S.template.json'), 'utf8'), /AWS::SSM::Parameter/, text);
  }
});

test('another deployment in the same stack has a release of its own', () => {
  const outdir = folder();
  const first = app(outdir);
  telemetryIn(new Stack(first, 'S'), 'blue');
  first.synth();
  const at = (name: string) => olderRelease(telemetryIn(new Stack(app(outdir), 'S'), name), name, '0.0.1').length;
  assert.deepEqual([at('blue'), at('green')], [1, 0]);
});

test('versions are compared by their numbers, and a preview comes before its release', () => {
  const isRefused = (own: string, deployed: string) =>
    olderRelease(telemetryIn(new Stack(app(folder(), { [DEPLOYED]: deployed }), 'S')), undefined, own).length === 1;
  for (const [own, deployed, expected] of [
    ['0.9.0', '0.10.0', true],
    ['0.10.0', '0.9.0', false],
    ['1.0.0', '0.10.10', false],
    ['1.2.3', '1.2.4', true],
    ['1.2.3', '1.2.3', false],
    ['1.2.3-rc.1', '1.2.3', true],
    ['1.2.3', '1.2.3-rc.1', false],
    ['1.2.3-rc.2', '1.2.3-rc.1', false],
  ] as const) {
    assert.equal(isRefused(own, deployed), expected, `${own} after ${deployed}`);
  }
});

test('a context that states no version is named', () => {
  const telemetry = telemetryIn(new Stack(app(folder(), { [DEPLOYED]: 'latest' }), 'S'));
  assert.match(olderRelease(telemetry, undefined)[0] ?? '', /^the context kinesis-telemetry:deployedRelease states the release "latest": set a version such as/);
});

test('a deployment publishes its release', () => {
  const stack = new Stack();
  telemetryIn(stack, 'blue');
  Template.fromStack(stack).hasResourceProperties('AWS::SSM::Parameter', { Name: PublishedParameter.RELEASE.nameIn('blue'), Value: RELEASE });
});
