import { existsSync } from 'node:fs';
import path from 'node:path';
import { FileSystem, Stack, Token } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { shown } from './shown';

/** The folder of the package in which a release has its zips, seen from the compiled module. */
const OWN = path.join(__dirname, '../../layers');

/** The format of the ARN of a signing profile's version. */
const PROFILE_VERSION = /^arn:aws[a-z-]*:signer:[a-z0-9-]+:[0-9]{12}:\/signing-profiles\/[A-Za-z0-9_]+\/[A-Za-z0-9]+$/;

/** A bucket that holds the zips of a release: those of the layers, and that of the completeness function. */
export interface LayerBucketProps {
  /** A bucket of the region to which the stack is deployed. */
  readonly bucket: s3.IBucket;

  /**
   * The text before the name of each zip in its key, such as `releases/0.1.0/`. Have another one for each release: CloudFormation
   * makes a new layer version if the key changes, and does not look at the object.
   *
   * @default '' the zips are not in a folder
   */
  readonly prefix?: string | undefined;

  /**
   * ARN of the version of the AWS Signer profile that has signed the layers in this bucket. Functions whose code signing is enforced
   * take signed layers alone.
   *
   * @default the layers count as unsigned
   */
  readonly signingProfileVersionArn?: string | undefined;
}

/** The zips of a release, wherever they are. */
export interface Zips {
  /** Returns a zip as the code of a layer or of a function. */
  code(zip: string): lambda.Code;
  /** Returns a text that changes if the zip does. */
  fingerprint(zip: string): string;
  /** ARN of the version of the signing profile that has signed the layers, if they are signed. */
  readonly signedBy: string | undefined;
}

/**
 * Returns the zips in a bucket, in a folder, or, if neither is given, in the package itself.
 *
 * @throws Error that names what is missing or cannot be used.
 */
export function zipsOf(scope: Construct, folder: string | undefined, bucket: LayerBucketProps | undefined): Zips {
  if (bucket === undefined) return inFolder(folder ?? ownFolder());
  if (folder === undefined) return inBucket(scope, bucket);
  throw new Error('zips and layerBucket exclude each other: leave out zips to read the zips from the bucket');
}

function inFolder(folder: string): Zips {
  const file = (zip: string): string => {
    const found = path.join(folder, zip);
    if (!existsSync(found)) throw new Error(`${found} is missing: make it with cargo xtask package`);
    return found;
  };
  return {
    code: (zip) => lambda.Code.fromAsset(file(zip)),
    fingerprint: (zip) => FileSystem.fingerprint(file(zip)),
    signedBy: undefined,
  };
}

function ownFolder(): string {
  if (existsSync(OWN)) return OWN;
  throw new Error(
    `the layers are missing (${OWN}), because this copy of the package was not released: install the package of a release, ` +
      'or run cargo xtask package in its repository and set zips to target/layers there',
  );
}

function inBucket(scope: Construct, { bucket, prefix = '', signingProfileVersionArn: signedBy }: LayerBucketProps): Zips {
  if (signedBy !== undefined && !Token.isUnresolved(signedBy) && !PROFILE_VERSION.test(signedBy)) {
    throw new Error(
      `signingProfileVersionArn is ${shown(signedBy)}: set the ARN of a version of a signing profile ` +
        '(arn:aws:signer:REGION:ACCOUNT:/signing-profiles/NAME/VERSION)',
    );
  }
  return {
    code: (zip) => lambda.Code.fromBucket(bucket, prefix + zip),
    fingerprint: (zip) => JSON.stringify(Stack.of(scope).resolve([bucket.bucketName, prefix + zip])),
    signedBy,
  };
}
