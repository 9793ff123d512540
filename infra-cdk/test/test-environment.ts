import { App } from 'aws-cdk-lib';
// The package's own tests compile with it, and npm packs none of them.
import { zips } from 'kinesis-telemetry-cdk/build/test/test-environment';
import { type Stacks, buildApp } from '../lib/build-app';
import { TEST_FUNCTION_ZIPS } from '../lib/spec';

const ZIPS = zips('', Object.values(TEST_FUNCTION_ZIPS));

/** Builds the app as it is deployed, with this context. */
export function deployment(context: Record<string, unknown>): Stacks & { app: App } {
  const app = new App({ context: { zips: ZIPS, ...context } });
  return { app, ...buildApp(app) };
}

export { Match, Template, dashboard, someFunction, statements } from 'kinesis-telemetry-cdk/build/test/test-environment';
