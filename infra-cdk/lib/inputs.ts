import type { Node } from 'constructs';
import { PublishedParameter } from 'kinesis-telemetry-cdk';
import { STAGES, TEST_FUNCTION_ZIPS } from './spec';

/** Instruction set of a function, as Lambda names it. */
export type ArchitectureName = keyof typeof TEST_FUNCTION_ZIPS;

/** The inputs of the app: CDK context, `--context NAME=VALUE`. */
export interface Inputs {
  readonly stage: keyof typeof STAGES;
  /** Folder with what `cargo xtask package` makes. */
  readonly zips: string;
  readonly deploymentName?: string | undefined;
  readonly organizationId?: string | undefined;
  /** The architecture of the test function. */
  readonly architecture: ArchitectureName;
}

/**
 * Reads and checks the context.
 *
 * @throws Error that names the value that cannot be used, and what can.
 */
export function readInputs(node: Node): Inputs {
  const text = (name: string): string | undefined => {
    const value: unknown = node.tryGetContext(name);
    if (value === undefined || value === '') return undefined;
    if (typeof value !== 'string') throw new Error(`the context ${name} is ${JSON.stringify(value)}: set a text`);
    return value;
  };
  const word = <W extends string>(name: string, words: readonly W[], given = text(name)): W => {
    const found = words.find((it) => it === given);
    if (found !== undefined) return found;
    const is = given === undefined ? 'is not set' : `is ${JSON.stringify(given)}`;
    throw new Error(`${name} ${is}: set one of ${words.join(', ')} (--context ${name}=${words[0]})`);
  };
  const stage = word('stage', Object.keys(STAGES) as (keyof typeof STAGES)[]);
  const architecture = word('architecture', Object.keys(TEST_FUNCTION_ZIPS) as ArchitectureName[], text('architecture') ?? 'x86_64');
  const deploymentName = text('name');
  // Refuses what cannot be a name.
  PublishedParameter.LAYER_ARN.nameIn(deploymentName);
  const organizationId = text('organizationId');
  if (organizationId !== undefined && !/^o-[a-z0-9]{10,32}$/.test(organizationId)) {
    throw new Error(`organizationId is ${JSON.stringify(organizationId)}: set the id of an organisation, such as o-a1b2c3d4e5`);
  }
  return { stage, architecture, deploymentName, organizationId, zips: text('zips') ?? '../target/layers' };
}
