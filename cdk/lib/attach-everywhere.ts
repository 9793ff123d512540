import { Annotations, type IAspect } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { IConstruct } from 'constructs';
import { type AttachmentSettings, isAttached } from './attachment';
import { CompletenessCheck } from './completeness';
import { definedAs, functionOf, obstacleOf } from './kinds';
import type { KinesisTelemetry } from './kinesis-telemetry';

/** The same settings for all functions that are meant. */
export interface AttachTelemetryProps extends AttachmentSettings {
  /**
   * Which functions are meant.
   *
   * @default all
   */
  readonly only?: ((fn: lambda.Function) => boolean) | undefined;
}

/** Says for each function which settings it gets; `undefined` leaves it out. */
export type SettingsOf = (fn: lambda.Function) => AttachmentSettings | undefined;

/**
 * Attaches telemetry to every function below a construct: `Aspects.of(app).add(new AttachTelemetry(telemetry))`.
 *
 * A function that has it already keeps its settings. A function that takes no layer from this app gets one warning, which can be
 * acknowledged: a container image, a Web Function, a resource without a `lambda.Function`, an imported function. If telemetry
 * cannot be attached, the function gets one error, and the CDK deploys nothing.
 */
export class AttachTelemetry implements IAspect {
  private readonly settingsOf: SettingsOf;

  constructor(
    private readonly telemetry: KinesisTelemetry,
    props: AttachTelemetryProps | SettingsOf = {},
  ) {
    this.settingsOf = typeof props === 'function' ? props : same(props);
  }

  visit(node: IConstruct): void {
    const fn = functionOf(node);
    if (fn) return this.attach(fn);
    // The construct around a resource was visited before it.
    if (definedAs(node) === node) warn(node);
  }

  private attach(fn: lambda.Function): void {
    // A function that reads the stream must not write to it: each of its runs would add events for the next one.
    if (isAttached(fn) || fn.node.scope instanceof CompletenessCheck) return;
    const settings = this.settingsOf(fn);
    if (settings === undefined) return;
    if (obstacleOf(fn)) return warn(fn);
    try {
      this.telemetry.attachTo(fn, settings);
    } catch (error) {
      Annotations.of(fn).addError(`${(error as Error).message}; or leave it out with \`only\``);
    }
  }
}

/** Warns once of a function that takes no layer from this app; says nothing of any other construct. */
function warn(construct: IConstruct): void {
  const obstacle = obstacleOf(construct);
  if (obstacle) Annotations.of(construct).addWarningV2(`kinesis-telemetry:${obstacle.id}`, `Telemetry is not attached, because ${obstacle.why}`);
}

function same({ only = () => true, ...settings }: AttachTelemetryProps): SettingsOf {
  return (fn) => (only(fn) ? settings : undefined);
}
