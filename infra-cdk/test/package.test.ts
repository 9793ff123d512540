import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const PACKAGE = require.resolve('kinesis-telemetry-cdk');

test('the app and the package load the same copy of the CDK', () => {
  // A second copy has classes of its own, to which no instance of the first one belongs.
  for (const library of ['aws-cdk-lib', 'constructs']) {
    assert.equal(createRequire(PACKAGE).resolve(library), require.resolve(library), 'remove the node_modules of cdk and infra-cdk');
  }
});
