import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App, type Environment, NestedStack, Stack, Stage } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { KinesisTelemetry } from '../lib/index';
import { zips } from './test-environment';

const ZIPS = zips();
const HERE: Environment = { account: '111122223333', region: 'eu-west-1' };

function telemetry(scope: Construct, id: string, deploymentName?: string): KinesisTelemetry {
  return new KinesisTelemetry(scope, id, { zips: ZIPS, deploymentName });
}

/** Returns the error of an app's synthesis, an empty text if there is none. */
function said(build: (app: App) => unknown): string {
  const app = new App();
  build(app);
  try {
    app.synth();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

const clashing: Record<string, (app: App) => void> = {
  'in one stack': (app) => {
    const stack = new Stack(app, 'S');
    telemetry(stack, 'One');
    telemetry(stack, 'Two');
  },
  'of one name in one stack': (app) => {
    const stack = new Stack(app, 'S', { env: HERE });
    telemetry(stack, 'One', 'blue');
    telemetry(stack, 'Two', 'blue');
  },
  'in a stack and one nested in it': (app) => {
    const stack = new Stack(app, 'S');
    telemetry(new NestedStack(stack, 'Nested'), 'One');
    telemetry(stack, 'Two');
  },
  'in two stacks of one account and region': (app) => {
    telemetry(new Stack(app, 'A', { env: HERE }), 'One', 'blue');
    telemetry(new Stack(app, 'B', { env: HERE }), 'Two', 'blue');
  },
  'in two stacks that are deployed to wherever the credentials lead': (app) => {
    telemetry(new Stack(app, 'A'), 'One');
    telemetry(new Stack(app, 'B'), 'Two');
  },
  'in two stages of one account and region': (app) => {
    telemetry(new Stack(new Stage(app, 'Dev', { env: HERE }), 'S'), 'One');
    telemetry(new Stack(new Stage(app, 'Prod', { env: HERE }), 'S'), 'Two');
  },
};

for (const [what, build] of Object.entries(clashing)) {
  test(`two deployments ${what} need names of their own, and the error names both and the remedy`, () => {
    const message = said(build);
    assert.match(message, /One\b/);
    assert.match(message, /Two\b/);
    assert.match(message, /: set (a|another) deploymentName for one of them$/);
    assert.match(message, what.includes('of one name') || what === 'in two stacks of one account and region' ? /deploymentName "blue"/ : /no deploymentName/);
    assert.equal(message.match(/ deploymentName for one/g)?.length, 1, message);
  });
}

test('each further deployment of one name is said once', () => {
  const message = said((app) => {
    const stack = new Stack(app, 'S');
    for (const id of ['One', 'Two', 'Three']) telemetry(stack, id);
  });
  assert.equal(message.match(/ deploymentName for one/g)?.length, 2, message);
});

const distinct: Record<string, (app: App) => void> = {
  'with other names in one stack': (app) => {
    const stack = new Stack(app, 'S');
    telemetry(stack, 'One');
    telemetry(stack, 'Two', 'blue');
    telemetry(stack, 'Three', 'green');
  },
  'of other regions': (app) => {
    telemetry(new Stack(app, 'A', { env: HERE }), 'One');
    telemetry(new Stack(app, 'B', { env: { ...HERE, region: 'eu-central-1' } }), 'Two');
  },
  'of other accounts': (app) => {
    telemetry(new Stack(app, 'A', { env: HERE }), 'One');
    telemetry(new Stack(app, 'B', { env: { ...HERE, account: '444455556666' } }), 'Two');
  },
  'of stages, each deployed with its own credentials': (app) => {
    telemetry(new Stack(new Stage(app, 'Dev'), 'S'), 'One');
    telemetry(new Stack(new Stage(app, 'Prod'), 'S'), 'Two');
  },
  'of which one was removed from the app': (app) => {
    const stack = new Stack(app, 'S');
    telemetry(stack, 'One');
    telemetry(stack, 'Two');
    stack.node.tryRemoveChild('One');
  },
};

for (const [what, build] of Object.entries(distinct)) {
  test(`two deployments ${what} do not disturb each other`, () => {
    assert.equal(said(build), '');
  });
}
