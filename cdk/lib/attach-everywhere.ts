import { Annotations, type IAspect } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { IConstruct } from 'constructs';
import { type AttachmentSettings, isAttached } from './attachment';
import { CompletenessCheck } from './completeness';
import { definedAs, functionOf, obstacleOf } from './kinds';
import type { KinesisTelemetry } from './kinesis-telemetry';

/** Selects the functions that get telemetry. */
export interface IFunctionSelector {
  /** Returns the settings of a function, which go before those for all functions; `undefined` leaves the function out. */
  settingsFor(fn: lambda.Function): AttachmentSettings | undefined;
}

/** The functions that get telemetry, and the settings for all of them. */
export interface AttachTelemetryProps extends AttachmentSettings {
  /**
   * Selects functions, and gives them settings of their own: `{ settingsFor: (fn) => (fn === secret ? undefined : {}) }`.
   *
   * @default all functions, with the same settings
   */
  readonly selector?: IFunctionSelector | undefined;
}

/**
 * Attaches telemetry to every function below a construct: `Aspects.of(app).add(new AttachTelemetry(telemetry))`.
 *
 * A function that has it already keeps its settings. A function that takes no layer from this app gets one warning, which can be
 * acknowledged: a container image, a Web Function, a resource without a `lambda.Function`, an imported function. If telemetry
 * cannot be attached, the function gets one error, and the CDK deploys nothing.
 */
export class AttachTelemetry implements IAspect {
  private readonly selector: IFunctionSelector;
  private readonly settings: AttachmentSettings;

  constructor(
    private readonly telemetry: KinesisTelemetry,
    props: AttachTelemetryProps = {},
  ) {
    const { selector = { settingsFor: () => ({}) }, ...settings } = props;
    this.selector = selector;
    this.settings = settings;
  }

  /** Attaches telemetry to a function, or warns of one that takes no layer from this app. */
  visit(node: IConstruct): void {
    const fn = functionOf(node);
    if (fn) return this.attach(fn);
    // The construct around a resource was visited before it.
    if (definedAs(node) === node) warn(node);
  }

  private attach(fn: lambda.Function): void {
    // A function that reads the stream must not write to it: each of its runs would add events for the next one.
    if (isAttached(fn) || fn.node.scope instanceof CompletenessCheck) return;
    const own = this.selector.settingsFor(fn);
    if (own === undefined) return;
    if (obstacleOf(fn)) return warn(fn);
    try {
      this.telemetry.attachTo(fn, { ...this.settings, ...own });
    } catch (error) {
      Annotations.of(fn).addError(`${(error as Error).message}; or leave it out with \`selector\``);
    }
  }
}

/** Warns once of a function that takes no layer from this app; says nothing of any other construct. */
function warn(construct: IConstruct): void {
  const obstacle = obstacleOf(construct);
  if (obstacle) Annotations.of(construct).addWarningV2(`kinesis-telemetry:${obstacle.id}`, `Telemetry is not attached, because ${obstacle.why}`);
}
