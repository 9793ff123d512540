import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PublishedParameter } from 'kinesis-telemetry-cdk';
import { Template, deployment } from './test-environment';

test('what cannot be deployed is said in one line, with what can', () => {
  for (const [context, said] of [
    [{}, /^stage is not set: set one of dev, prod \(--context stage=dev\)$/],
    [{ stage: 'test' }, /^stage is "test": set one of dev, prod/],
    [{ stage: 'dev', architecture: 'mips' }, /^architecture is "mips": set one of x86_64, arm64/],
    [{ stage: 'dev', name: 'Blue' }, /^"Blue" cannot be the name of a deployment: set 1 to 32 of a-z 0-9 -/],
    [{ stage: 'dev', name: 'runtime' }, /^"runtime" cannot be the name of a deployment/],
    [{ stage: 'dev', organizationId: 'ours' }, /^organizationId is "ours": set the id of an organisation/],
    [{ stage: 5 }, /^the context stage is 5: set a text$/],
    [{ stage: 'dev', zips: 'nowhere' }, /^nowhere\/kinesis-telemetry-extension-x86_64\.zip is missing: make it with cargo xtask package$/],
  ] as [Record<string, unknown>, RegExp][]) {
    assert.throws(() => deployment(context), { message: said });
  }
});

test('a deployment publishes everything, once, under its name', () => {
  for (const name of [undefined, 'blue']) {
    const { telemetry, testFunction } = deployment({ stage: 'dev', ...(name !== undefined && { name }) });
    const parameters = [telemetry, testFunction].flatMap((stack) => Object.values(Template.fromStack(stack).findResources('AWS::SSM::Parameter')));
    const names = parameters.map((it) => (it as { Properties: { Name: string } }).Properties.Name);
    const all = Object.values(PublishedParameter).filter((it) => it instanceof PublishedParameter);
    assert.deepEqual(names.sort(), all.map((it) => it.nameIn(name)).sort());
  }
});
