import { existsSync } from 'node:fs';
import path from 'node:path';
import { Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { type KinesisTelemetry, PublishedParameter } from 'kinesis-telemetry-cdk';
import type { ArchitectureName } from './inputs';
import { TEST_FUNCTION_ZIPS } from './spec';

export interface TestFunctionStackProps extends StackProps {
  readonly telemetry: KinesisTelemetry;
  /** Folder with the zips of the test function. */
  readonly zips: string;
  readonly architecture: ArchitectureName;
}

/** A function whose payload says what it does, with its telemetry delivered: to see that everything works. */
export class TestFunctionStack extends Stack {
  constructor(scope: Construct, id: string, props: TestFunctionStackProps) {
    super(scope, id, props);
    const { telemetry, architecture } = props;
    const logGroup = new logs.LogGroup(this, 'Log', {
      // The dashboard is deployed before this stack, so it can refer to a name only that is known by then.
      logGroupName: `/kinesis-telemetry/${this.stackName}`,
      retention: logs.RetentionDays.ONE_DAY,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    const zip = path.join(props.zips, TEST_FUNCTION_ZIPS[architecture]);
    if (!existsSync(zip)) throw new Error(`${zip} is missing: make it with cargo xtask package`);
    const fn = new lambda.Function(this, 'Function', {
      description: 'Logs, sleeps and ends as its payload says',
      runtime: lambda.Runtime.PROVIDED_AL2023,
      architecture: architecture === 'arm64' ? lambda.Architecture.ARM_64 : lambda.Architecture.X86_64,
      handler: 'bootstrap',
      code: lambda.Code.fromAsset(zip),
      memorySize: 256,
      timeout: Duration.seconds(30),
      loggingFormat: lambda.LoggingFormat.JSON,
      logGroup,
      role,
    });
    telemetry.attachTo(fn);
    new ssm.StringParameter(this, 'Parameter-testFunctionName', {
      parameterName: PublishedParameter.TEST_FUNCTION_NAME.nameIn(telemetry.deploymentName),
      description: `Of ${this.stackName}`,
      stringValue: fn.functionName,
    });
  }
}
