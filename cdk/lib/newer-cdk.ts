import * as cdk from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

// The parts of newer versions of the CDK that the package uses where they exist. The types here are its own, so that apps
// with an older version compile.

interface Acknowledging {
  readonly Validations?: { of(construct: IConstruct): { acknowledge?(rule: { id: string; reason: string }): void } };
}

/** States why a rule of cdk-nag's pack "AwsSolutions" does not apply here. Does nothing in an older CDK, whose cdk-nag reads no such statement. */
export function acknowledge(construct: IConstruct, rule: string, reason: string): void {
  const { Validations } = cdk as Acknowledging;
  Validations?.of(construct).acknowledge?.({ id: rule, reason });
}

type Depend = (this: cdk.Stack, other: cdk.Stack) => void;

/**
 * Makes a stack depend on another one, so that it is deployed after it.
 *
 * @throws Error if the other one is deployed after it already.
 */
export function deployAfter(stack: cdk.Stack, other: cdk.Stack): void {
  // The method has two names; newer versions of the CDK warn of the older one.
  const { addStackDependency, addDependency } = stack as { readonly addStackDependency?: Depend; readonly addDependency?: Depend };
  (addStackDependency ?? addDependency)?.call(stack, other);
}
