import { type App, Tags } from 'aws-cdk-lib';
import { readInputs } from './inputs';
import { EXTENSION_NAME, STAGES } from './spec';
import { TelemetryStack } from './telemetry-stack';
import { TestFunctionStack } from './test-function-stack';

/** The stacks of one deployment. */
export interface Stacks {
  readonly telemetry: TelemetryStack;
  readonly testFunction: TestFunctionStack;
}

/** Fills the app as its context says. */
export function buildApp(app: App): Stacks {
  const { stage: stageName, deploymentName, organizationId, architecture, zips } = readInputs(app.node);
  const stage = STAGES[stageName];
  const name = ['KinesisTelemetry', stageName, ...(deploymentName === undefined ? [] : [deploymentName])].join('-');
  const telemetry = new TelemetryStack(app, name, {
    description: `Delivers telemetry of Lambda functions to a Kinesis data stream (${stageName})`,
    stage,
    zips,
    deploymentName,
    organizationId,
  });
  const testFunction = new TestFunctionStack(app, `${name}-TestFunction`, {
    description: `Shows that telemetry arrives (${stageName})`,
    telemetry: telemetry.telemetry,
    zips,
    architecture,
  });
  Tags.of(app).add('project', EXTENSION_NAME);
  Tags.of(app).add('stage', stageName);
  if (deploymentName !== undefined) Tags.of(app).add('deployment', deploymentName);
  return { telemetry, testFunction };
}
