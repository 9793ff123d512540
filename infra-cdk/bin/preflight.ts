import { writeFileSync } from 'node:fs';
import { App, Stack } from 'aws-cdk-lib';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { published } from 'kinesis-telemetry-cdk';
import { stackName } from '../lib/spec';
import { readInputs } from '../lib/inputs';

// An app that deploys nothing. The CDK's tool tells it whose credentials it has found, and looks parameters up with them:
// so what would fail when something is deployed is known before. `cargo xtask deploy` reads the report.

/** What stands where a parameter is not there. */
const NONE = 'none';

const app = new App();
const report: unknown = app.node.tryGetContext('report');
if (typeof report !== 'string') throw new Error('the context report is not set: it is the file to write');

const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
const found: Record<string, string | undefined> = { account, region };
if (account !== undefined && region !== undefined) {
  const inputs = readInputs(app.node);
  const stack = new Stack(app, 'Preflight', { env: { account, region } });
  // The CDK's tool runs this once more when it has looked them up.
  found['bootstrap'] = ssm.StringParameter.valueFromLookup(stack, '/cdk-bootstrap/hnb659fds/version', NONE);
  found['owner'] = ssm.StringParameter.valueFromLookup(stack, published('stackName', inputs.deploymentName), NONE);
  found['stack'] = stackName(inputs.stage, inputs.deploymentName);
}
writeFileSync(report, JSON.stringify(found));
