import { type App, Tags } from 'aws-cdk-lib';
import { readInputs } from './inputs';
import { EXTENSION_NAME, STAGES, VERIFICATION, stackName } from './spec';
import { TelemetryStack } from './telemetry-stack';
import { TestFunctionStack } from './test-function-stack';
import { VerificationStack } from './verification-stack';

/** The stacks of one deployment. */
export interface Stacks {
  readonly telemetry: TelemetryStack;
  readonly testFunction: TestFunctionStack;
  /** The functions that `cargo xtask verify` invokes. Only the deployment of that name has them. */
  readonly verification: VerificationStack | undefined;
}

/** Fills the app as its context says. */
export function buildApp(app: App): Stacks {
  const inputs = readInputs(app.node);
  const { deploymentName, organizationId, architecture, zips } = inputs;
  const disposable = deploymentName === VERIFICATION;
  const stage = { ...STAGES[inputs.stage], ...(disposable && { retained: false }) };
  const name = stackName(inputs.stage, deploymentName);
  const telemetry = new TelemetryStack(app, name, {
    description: `Delivers telemetry of Lambda functions to a Kinesis data stream (${inputs.stage})`,
    stage,
    zips,
    deploymentName,
    organizationId,
  });
  const testFunction = new TestFunctionStack(app, `${name}-TestFunction`, {
    description: `Shows that telemetry arrives (${inputs.stage})`,
    telemetry: telemetry.telemetry,
    zips,
    architecture,
  });
  const verification = disposable ? new VerificationStack(app, `${name}-Verification`, {
    description: `Functions for cargo xtask verify (${inputs.stage})`,
    telemetry: telemetry.telemetry,
    zips,
  }) : undefined;
  Tags.of(app).add('project', EXTENSION_NAME);
  Tags.of(app).add('stage', inputs.stage);
  if (deploymentName !== undefined) Tags.of(app).add('deployment', deploymentName);
  return { telemetry, testFunction, verification };
}
