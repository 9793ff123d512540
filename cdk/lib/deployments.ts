import { Stack, Stage, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { areOne } from './references';

interface Deployment extends Construct {
  readonly deploymentName: string | undefined;
}

/**
 * Returns an error if an earlier deployment of the app has the same name in the same account and region. Both would publish the
 * same SSM parameters, and CloudFormation would reject the second.
 */
export function sharedName(deployment: Deployment, all: readonly Deployment[]): string[] {
  // Only the second of two deployments reports the error.
  const before = all.slice(0, all.indexOf(deployment));
  const other = before.find((it) => it.deploymentName === deployment.deploymentName && areInOnePlace(it, deployment));
  if (!other) return [];
  const { deploymentName: name } = deployment;
  const [same, remedy] = name === undefined ? ['no deploymentName', 'a'] : [`the deploymentName ${JSON.stringify(name)}`, 'another'];
  return [
    `${deployment.node.path} and ${other.node.path} have ${same}, so both would publish the same SSM parameters in one account and region: ` +
      `set ${remedy} deploymentName for one of them`,
  ];
}

/** True if both are deployed to one account and region or, if these are unresolved, with the same credentials. */
function areInOnePlace(one: Construct, other: Construct): boolean {
  const stacks = [Stack.of(one), Stack.of(other)] as const;
  if (areOne(...stacks)) return true;
  const [{ account, region }, there] = stacks;
  if (account !== there.account || region !== there.region) return false;
  // The stages of an app are often deployed with the credentials of an account each.
  return Stage.of(one) === Stage.of(other) || ![account, region].some(Token.isUnresolved);
}
