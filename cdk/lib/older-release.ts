import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Stack, Stage } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { shown } from './shown';
import { DOCS, PublishedParameter, RELEASE } from './spec';

/** Context with the release that is deployed, as its published parameter states it. */
const DEPLOYED = 'kinesis-telemetry:deployedRelease';
/** Context that allows an older release. */
const ALLOWED = 'kinesis-telemetry:allowOlderRelease';

/** A semantic version: three numbers, and further words for a pre-release. */
const VERSION = /^(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?$/;

interface Release {
  readonly release: string;
  readonly saidBy: string;
}

/**
 * Returns an error if this package is older than the one whose layers the stack has: it would give functions an older extension.
 *
 * The deployed release comes from the context, or from the template that the last synthesis left in the output folder.
 */
export function olderRelease(telemetry: Construct, deploymentName: string | undefined, own = RELEASE): string[] {
  const before = deployed(telemetry) ?? synthesised(telemetry, PublishedParameter.RELEASE.nameIn(deploymentName));
  if (before === undefined) return [];
  const { release, saidBy } = before;
  if (!VERSION.test(release)) return [`${saidBy} states the release ${shown(release)}: set a version such as ${own}`];
  const isAllowed = String(telemetry.node.tryGetContext(ALLOWED)) === 'true';
  if (isAllowed || !isOlder(own, release)) return [];
  return [
    `${telemetry.node.path} would get layers of release ${own}, which is older than ${release} (${saidBy}): ` +
      `install kinesis-telemetry-cdk ${release} or newer, or allow it with --context ${ALLOWED}=true (${DOCS.upgrade})`,
  ];
}

/** Returns the release that the context states. */
function deployed(telemetry: Construct): Release | undefined {
  const release: unknown = telemetry.node.tryGetContext(DEPLOYED);
  // A script may pass an empty string if there is no deployed release.
  if (release === undefined || release === '') return undefined;
  return { release: typeof release === 'string' ? release : shown(release), saidBy: `the context ${DEPLOYED}` };
}

/** Returns the release in the template of the last synthesis, if there is one. */
function synthesised(telemetry: Construct, parameter: string): Release | undefined {
  const file = path.join(Stage.of(telemetry)?.outdir ?? '', Stack.of(telemetry).templateFile);
  if (!existsSync(file)) return undefined;
  const { Resources = {} } = JSON.parse(readFileSync(file, 'utf8')) as { Resources?: Record<string, { Properties?: Record<string, unknown> }> };
  const found = Object.values(Resources).find(({ Properties }) => Properties?.['Name'] === parameter);
  const release = found?.Properties?.['Value'];
  return typeof release === 'string' ? { release, saidBy: file } : undefined;
}

/** True if one version comes before another one. */
function isOlder(one: string, other: string): boolean {
  const [a, b] = [one, other].map((it) => VERSION.exec(it)?.slice(1) ?? []) as [string[], string[]];
  const differs = [0, 1, 2].find((n) => a[n] !== b[n]);
  if (differs !== undefined) return Number(a[differs]) < Number(b[differs]);
  // A release is newer than its pre-releases. Pre-releases of one version are not compared.
  return a[3] !== undefined && b[3] === undefined;
}
