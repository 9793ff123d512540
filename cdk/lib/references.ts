import { Reference, Stack, Stage, Token, Tokenization } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type { Construct, IConstruct } from 'constructs';
import { deployAfter } from './newer-cdk';
import { PublishedParameter } from './spec';
import type { ArchitectureName, AttachableTelemetry } from './types';

/** Ends an attachment. */
export type Refuse = (why: string) => never;

/** Refuses a function that cannot refer to the layer, the policy and the stream, because of its region, its account or the order of deployment. */
export function requireReach(telemetry: AttachableTelemetry, fn: lambda.Function, refuse: Refuse): void {
  const [own, theirs] = [Stack.of(telemetry.scope), Stack.of(fn)];
  for (const what of ['region', 'account'] as const) {
    if (own[what] !== theirs[what] && !Token.isUnresolved(own[what]) && !Token.isUnresolved(theirs[what])) {
      refuse(`its ${what} is ${theirs[what]}, and that of the layer is ${own[what]}: make a KinesisTelemetry for each ${what}`);
    }
  }
  if (areOne(own, theirs) || Stage.of(fn) !== Stage.of(telemetry.scope)) return;
  const bothWays = `its stack has to be deployed after ${own.node.path}, and before it as well`;
  // The CDK finds cycles of references only when the app is complete, and its error states no remedy.
  const used = telemetry.uses.find((it) => areOne(Stack.of(it), theirs));
  if (used) refuse(`${bothWays}, because the telemetry uses ${used.node.path}: define that in ${own.node.path}, or in a third stack`);
  try {
    deployAfter(theirs, own);
  } catch (error) {
    refuse(`${bothWays}: take one of the dependencies out (${(error as Error).message})`);
  }
}

/**
 * Returns the values that an attachment refers to: directly in the construct's own stack, and through the published parameters in
 * other stacks. An export that another stack imports cannot change, but the ARN of a layer version changes with every release.
 */
export function references(telemetry: AttachableTelemetry, fn: lambda.Function, scope: Construct) {
  if (areOne(Stack.of(fn), Stack.of(telemetry.scope))) {
    return {
      layer: (name: ArchitectureName) => telemetry.layers[name],
      policy: () => telemetry.policy,
      streamArn: () => telemetry.stream.streamArn,
      queueUrl: () => telemetry.deadLetterQueue.queueUrl,
    };
  }
  const value = (parameter: PublishedParameter) =>
    ssm.StringParameter.valueForStringParameter(scope, parameter.nameIn(telemetry.deploymentName));
  return {
    layer: (name: ArchitectureName) => {
      const { LAYER_ARN_ARM64, LAYER_ARN_X86_64 } = PublishedParameter;
      return lambda.LayerVersion.fromLayerVersionArn(scope, 'Layer', value(name === 'arm64' ? LAYER_ARN_ARM64 : LAYER_ARN_X86_64));
    },
    policy: () => iam.ManagedPolicy.fromManagedPolicyArn(scope, 'Policy', value(PublishedParameter.POLICY_ARN)),
    streamArn: () => value(PublishedParameter.STREAM_ARN),
    queueUrl: () => value(PublishedParameter.DEAD_LETTER_QUEUE_URL),
  };
}

/** Returns the construct of this app to which a text refers, if it begins with a reference. */
export function targetOf(text: string): IConstruct | undefined {
  const token = Tokenization.reverseString(text).firstToken;
  return token && Reference.isReference(token) ? token.target : undefined;
}

/** Returns true if stacks are deployed together, as nested stacks are with the one around them: they pass on values without exports. */
export function areOne(one: Stack, other: Stack): boolean {
  return outermost(one) === outermost(other);
}

function outermost(stack: Stack): Stack {
  return stack.nestedStackParent ? outermost(stack.nestedStackParent) : stack;
}
