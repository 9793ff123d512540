import { Stack, Stage, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { areOne } from './references';

interface Deployment extends Construct {
  readonly deploymentName: string | undefined;
}

/**
 * Says which deployment of the app has the name of this one in the same account and region. Both would publish the same SSM
 * parameters, and CloudFormation would refuse the second.
 */
export function sharedName(deployment: Deployment, all: readonly Deployment[]): string[] {
  // Of two, the second one says it.
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

/** True if both are deployed to one account and region, or, where only the credentials tell, with the same credentials. */
function areInOnePlace(one: Construct, other: Construct): boolean {
  const stacks = [Stack.of(one), Stack.of(other)] as const;
  if (areOne(...stacks)) return true;
  const [{ account, region }, there] = stacks;
  if (account !== there.account || region !== there.region) return false;
  // The stages of an app are often deployed with the credentials of an account each.
  return Stage.of(one) === Stage.of(other) || ![account, region].some(Token.isUnresolved);
}
