import { Annotations, Aws, Token } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { type Refuse, targetOf } from './references';
import { DOCS } from './spec';

const { ENFORCE, WARN } = lambda.UntrustedArtifactOnDeployment;

/**
 * Refuses a function whose code signing is enforced if the layer is unsigned, or if its signing profile is known not to be allowed.
 * Warns if the layer is unsigned and the app does not define the code signing configuration, so that it may be enforced.
 */
export function requireSignature(fn: lambda.Function, signedBy: string | undefined, refuse: Refuse): void {
  const { codeSigningConfigArn } = fn.node.defaultChild as lambda.CfnFunction;
  if (codeSigningConfigArn === undefined) return;
  const config = targetOf(codeSigningConfigArn);
  const policy = config instanceof lambda.CfnCodeSigningConfig ? policyOf(config) : undefined;
  if (policy === WARN) return;
  const remedy = `sign the layers, and set layerBucket with signingProfileVersionArn (${DOCS.codeSigning})`;
  if (signedBy === undefined) {
    if (policy === ENFORCE) refuse(`its code signing is enforced, and the layer is unsigned: ${remedy}`);
    const why = `the layer is unsigned, and Lambda refuses it if the code signing configuration of the function enforces signatures: ${remedy}`;
    Annotations.of(fn).addWarningV2('kinesis-telemetry:code-signing', `The deployment may fail, because ${why}`);
  } else if (policy === ENFORCE) {
    if (Token.isUnresolved(signedBy)) return;
    // The CDK leaves the partition to the deployment, and doubles the slash in the ARN of an imported profile.
    const [, partition = ''] = signedBy.split(':');
    const others = publishersOf(config as lambda.CfnCodeSigningConfig).map((it) => it.replace(Aws.PARTITION, partition).replace('://', ':/'));
    if (others.some((it) => it === signedBy || Token.isUnresolved(it))) return;
    refuse(
      `its code signing is enforced, and ${config?.node.path} does not allow the profile that has signed the layer, ${signedBy}: ` +
        `add it to the signing profiles, or sign the layers with one of ${others.join(', ')}`,
    );
  }
}

/** Returns what a configuration does with unsigned code, as far as the app knows it. */
function policyOf({ codeSigningPolicies }: lambda.CfnCodeSigningConfig): string | undefined {
  if (Token.isUnresolved(codeSigningPolicies)) return undefined;
  const { untrustedArtifactOnDeployment = WARN } = (codeSigningPolicies ?? {}) as Partial<lambda.CfnCodeSigningConfig.CodeSigningPoliciesProperty>;
  return Token.isUnresolved(untrustedArtifactOnDeployment) ? undefined : untrustedArtifactOnDeployment;
}

/** Returns the ARNs of the versions of signing profiles that a configuration allows; some may be tokens. */
function publishersOf({ allowedPublishers }: lambda.CfnCodeSigningConfig): readonly string[] {
  return 'signingProfileVersionArns' in allowedPublishers ? allowedPublishers.signingProfileVersionArns : [Token.asString(allowedPublishers)];
}
