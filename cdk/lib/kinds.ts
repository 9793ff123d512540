import { CfnResource, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct, type IConstruct } from 'constructs';
import { shown } from './shown';
import { DOCS } from './spec';

/** Why telemetry cannot be attached to a construct. */
export interface Obstacle {
  /** The id by which a user acknowledges the warning. */
  readonly id: string;
  /** States the reason, and after a colon the remedy. */
  readonly why: string;
}

const WEB_FUNCTION: Obstacle = {
  id: 'web-function',
  why: 'it is a Web Function, in which Lambda starts no extension: read its lines in its log group, or make it a lambda.Function',
};

const IMPORTED: Obstacle = {
  id: 'imported',
  why: 'it is imported, and an app changes only functions that it defines: attach telemetry where the function is defined',
};

const IMAGE: Obstacle = {
  id: 'image',
  why: `it is a container image, which takes no layers: copy the extension into the image (${DOCS.images})`,
};

/** The resources that run code in Lambda, by their type in CloudFormation. Older versions of the CDK have no constructs for some. */
const RESOURCES: Readonly<Record<string, Obstacle>> = {
  'AWS::Lambda::Function': withoutConstruct('AWS::Lambda::Function'),
  'AWS::Serverless::Function': withoutConstruct('AWS::Serverless::Function'),
  'AWS::Lambda::WebFunction': WEB_FUNCTION,
  'AWS::Lambda::MicrovmImage': {
    id: 'microvm',
    why: 'it is a MicroVM image, in which Lambda starts no extension: read its lines in its log group, or make it a lambda.Function',
  },
};

function withoutConstruct(type: string): Obstacle {
  return {
    id: 'resource',
    why:
      `it is a resource of type ${type} without a lambda.Function of this app's aws-cdk-lib: define it as a lambda.Function, ` +
      `or add layer, policy and variables yourself (${DOCS.byHand}); if it is one, install aws-cdk-lib once (npm ls aws-cdk-lib)`,
  };
}

/** Returns the function that a construct is, or that a singleton keeps somewhere else in the tree. */
export function functionOf(construct: IConstruct): lambda.Function | undefined {
  if (construct instanceof lambda.Function) return construct;
  if (!(construct instanceof lambda.SingletonFunction)) return undefined;
  const { scope, id } = construct.permissionsNode;
  const kept = scope?.node.tryFindChild(id);
  return kept instanceof lambda.Function ? kept : undefined;
}

/** Returns the obstacle of a construct that is a function or stands for one, and takes no layer; `undefined` for all others. */
export function obstacleOf(construct: IConstruct): Obstacle | undefined {
  if (construct instanceof lambda.Function) return takesLayers(construct) ? undefined : IMAGE;
  if (Stack.isStack(construct)) return undefined;
  const resource = CfnResource.isCfnResource(construct) ? construct : essenceOf(construct);
  if (CfnResource.isCfnResource(resource)) return RESOURCES[resource.cfnResourceType];
  if ('webFunctionArn' in construct) return WEB_FUNCTION;
  const isImported = construct instanceof lambda.FunctionBase && functionOf(construct) === undefined && behind(construct) === undefined;
  return isImported ? IMPORTED : undefined;
}

/** Returns the construct that the app defines: the parent if this is its default child, or the construct itself. */
export function definedAs(construct: IConstruct): IConstruct {
  const { scope } = construct.node;
  return scope && !Stack.isStack(scope) && essenceOf(scope) === construct ? scope : construct;
}

/** Returns the default child of a construct. The CDK throws if there are two. */
function essenceOf(construct: IConstruct): unknown {
  try {
    return construct.node.defaultChild;
  } catch {
    return undefined;
  }
}

/** Returns the function of which a construct is a version or an alias. */
function behind(construct: unknown): IConstruct | undefined {
  if (!Construct.isConstruct(construct) || !('version' in construct) || !('lambda' in construct)) return undefined;
  return Construct.isConstruct(construct.lambda) ? construct.lambda : undefined;
}

function takesLayers(fn: lambda.Function): boolean {
  return fn.runtime.name !== lambda.Runtime.FROM_IMAGE.name;
}

/**
 * Returns the given function. A caller without TypeScript may pass any value.
 *
 * @throws Error if telemetry cannot be attached to the value, with the reason and the remedy.
 */
export function requireFunction(given: unknown): lambda.Function {
  const isFunction = given instanceof lambda.Function;
  const why = isFunction ? obstacleOf(given)?.why : reason(given);
  if (isFunction && why === undefined) return given;
  throw new Error(`telemetry cannot be attached to ${named(given)}: ${why}`);
}

function reason(given: unknown): string {
  const fn = behind(given);
  if (fn) return `it is a version or an alias, whose settings are those of its function when it was published: attach telemetry to its function, ${fn.node.path}`;
  if (given instanceof lambda.SingletonFunction) {
    return 'it is a SingletonFunction, which keeps its function to itself: apply the aspect AttachTelemetry, which finds the function, or define a lambda.Function';
  }
  const obstacle = Construct.isConstruct(given) ? obstacleOf(given) : undefined;
  return obstacle?.why ?? 'it is no lambda.Function: give the function that is to deliver its telemetry';
}

function named(given: unknown): string {
  return Construct.isConstruct(given) ? given.node.path || 'the app' : shown(given);
}
