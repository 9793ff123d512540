import path from 'node:path';
import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { KinesisTelemetry } from 'kinesis-telemetry-cdk';
import type { ArchitectureName } from './inputs';
import { TEST_FUNCTION_ZIPS } from './spec';

export interface VerificationStackProps extends StackProps {
  readonly telemetry: KinesisTelemetry;
  /** Folder with the zips of the test function. */
  readonly zips: string;
}

/** The test function of each scenario, by the scenario's name in xtask/verify/src/scenario.rs, and in what it differs. */
const FUNCTIONS: Record<string, { readonly timeout?: Duration; readonly memorySize?: number }> = {
  'cold-and-warm': {},
  failure: {},
  timeout: { timeout: Duration.seconds(10) },
  crash: {},
  'out-of-memory': { memorySize: 128 },
  burst: {},
  'provisioned-concurrency': {},
};
/** The function that has no layer. It is invoked like the one of `burst`. */
const CONTROL = 'control';
/** The function of a managed runtime, because SnapStart takes no other. It logs what the test function would. */
const SNAP_START = 'snap-start';
const SNAP_START_CODE = `
import json

def handler(event, context):
    count = event.get("lines", 3)
    for n in range(1, count + 1):
        line = {"level": "INFO", "requestId": context.aws_request_id, "message": f"line {n} of {count}"}
        print(json.dumps(line), flush=True)
    return {"requestId": context.aws_request_id, "lines": count}
`;

/**
 * A function for each scenario of `cargo xtask verify` and each architecture. None of them is invoked by anything else, so the
 * first invocation of each is a cold start.
 */
export class VerificationStack extends Stack {
  private readonly names: Record<string, string> = {};
  private hasPolicy = false;

  constructor(scope: Construct, id: string, private readonly props: VerificationStackProps) {
    super(scope, id, props);
    const logGroup = new logs.LogGroup(this, 'Log', {
      logGroupName: `/kinesis-telemetry/${this.stackName}`,
      retention: logs.RetentionDays.ONE_DAY,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    const shared = { memorySize: 256, timeout: Duration.seconds(30), loggingFormat: lambda.LoggingFormat.JSON, logGroup, role };
    for (const name of Object.keys(TEST_FUNCTION_ZIPS) as ArchitectureName[]) {
      const architecture = name === 'arm64' ? lambda.Architecture.ARM_64 : lambda.Architecture.X86_64;
      const binary = {
        ...shared,
        architecture,
        runtime: lambda.Runtime.PROVIDED_AL2023,
        handler: 'bootstrap',
        code: lambda.Code.fromAsset(path.join(props.zips, TEST_FUNCTION_ZIPS[name])),
      };
      for (const [scenario, own] of Object.entries(FUNCTIONS)) this.attached(`${scenario}-${name}`, { ...binary, ...own });
      this.plain(`${CONTROL}-${name}`, binary);
      const snapStart = this.attached(`${SNAP_START}-${name}`, {
        ...shared,
        architecture,
        runtime: lambda.Runtime.PYTHON_3_14,
        handler: 'index.handler',
        code: lambda.Code.fromInline(SNAP_START_CODE),
        snapStart: lambda.SnapStartConf.ON_PUBLISHED_VERSIONS,
      });
      const reason = 'The newest one that the CDK knows may not have SnapStart in every region yet.';
      Validations.of(snapStart).acknowledge({ id: 'AwsSolutions-L1', reason });
    }
    new CfnOutput(this, 'Functions', { value: this.toJsonString(this.names) });
  }

  private plain(name: string, props: lambda.FunctionProps): lambda.Function {
    const fn = new lambda.Function(this, name, { description: `cargo xtask verify: ${name}`, ...props });
    this.names[name] = fn.functionName;
    return fn;
  }

  private attached(name: string, props: lambda.FunctionProps): lambda.Function {
    const fn = this.plain(name, props);
    // They share a role, which takes a policy once.
    this.props.telemetry.attachTo(fn, { attachPolicy: !this.hasPolicy });
    this.hasPolicy = true;
    return fn;
  }
}
