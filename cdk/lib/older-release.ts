import { readFileSync } from 'node:fs';
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

/** A release that the stack may have, and where this is said. */
interface Release {
  readonly release: string;
  readonly saidBy: string;
  /** What to do if the stack does not have the release. */
  readonly otherwise: string;
}

/** The part of a template in which a release is looked for. */
type Template = { readonly Resources?: Record<string, { readonly Properties?: Record<string, unknown> } | null> } | null;

/**
 * Returns an error for each newer release that the stack may have: this package would give functions an older extension.
 *
 * The context and the template that the last synthesis left in the output folder state such releases. Neither replaces the other,
 * because either may be older than what is deployed.
 */
export function olderRelease(telemetry: Construct, deploymentName: string | undefined, own = RELEASE): string[] {
  const stated = telemetry.node.tryGetContext(DEPLOYED) as unknown;
  // A script may pass an empty string if there is no deployed release.
  const isStated = stated !== undefined && stated !== '';
  if (isStated && !isVersion(stated)) return [`the context ${DEPLOYED} states the release ${shown(stated)}: set a version such as ${own}`];
  if (String(telemetry.node.tryGetContext(ALLOWED)) === 'true') return [];
  const releases = [
    isStated ? { release: stated, saidBy: `the context ${DEPLOYED} states`, otherwise: 'correct the context' } : undefined,
    synthesised(telemetry, PublishedParameter.RELEASE.nameIn(deploymentName)),
  ];
  return releases
    .filter((it) => it !== undefined)
    .filter(({ release }) => isOlder(own, release))
    .map(
      ({ release, saidBy, otherwise }) =>
        `${telemetry.node.path} would get layers of release ${own}, which is older than ${release}, which ${saidBy}: ` +
        `install kinesis-telemetry-cdk ${release} or newer; if ${release} is not deployed, ${otherwise}; ` +
        `to go back on purpose, add --context ${ALLOWED}=true (${DOCS.upgrade})`,
    );
}

/** Returns the release in the template of the last synthesis, if there is one. */
function synthesised(telemetry: Construct, parameter: string): Release | undefined {
  const outdir = Stage.of(telemetry)?.outdir ?? '';
  const file = path.join(outdir, Stack.of(telemetry).templateFile);
  const found = Object.values(read(file)?.Resources ?? {}).find((it) => it?.Properties?.['Name'] === parameter);
  const release = found?.Properties?.['Value'];
  return isVersion(release) ? { release, saidBy: `the last synthesis in ${outdir} had`, otherwise: `remove ${file}` } : undefined;
}

/** Returns a template, or nothing if there is none, or only a part of one because the synthesis was killed. */
function read(file: string): Template | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Template;
  } catch {
    return undefined;
  }
}

function isVersion(value: unknown): value is string {
  return typeof value === 'string' && VERSION.test(value);
}

/** True if one version comes before another one. */
function isOlder(one: string, other: string): boolean {
  const [a, b] = [one, other].map((it) => VERSION.exec(it)?.slice(1) ?? []) as [string[], string[]];
  const differs = [0, 1, 2].find((n) => a[n] !== b[n]);
  if (differs !== undefined) return Number(a[differs]) < Number(b[differs]);
  // A release is newer than its pre-releases. Pre-releases of one version are not compared.
  return a[3] !== undefined && b[3] === undefined;
}
