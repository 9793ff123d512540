import { Annotations, type IAspect } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { IConstruct } from 'constructs';
import { type AttachmentSettings, isAttached, takesLayers } from './attachment';
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
 * A function that has it already keeps its settings. A container image, which takes no layers, is passed by with a warning.
 * Where telemetry cannot be attached there is an error at the function, one for each, and the CDK deploys nothing.
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
    if (!(node instanceof lambda.Function) || isAttached(node)) return;
    const settings = this.settingsOf(node);
    if (settings === undefined) return;
    if (takesLayers(node)) return this.attach(node, settings);
    Annotations.of(node).addWarningV2(
      'kinesis-telemetry:image',
      'Its telemetry is not delivered: it is a container image, which takes no layers (docs/deploying.md, "Container images")',
    );
  }

  private attach(fn: lambda.Function, settings: AttachmentSettings): void {
    try {
      this.telemetry.attachTo(fn, settings);
    } catch (error) {
      Annotations.of(fn).addError(`${(error as Error).message}; or leave it out with \`only\``);
    }
  }
}

function same({ only = () => true, ...settings }: AttachTelemetryProps): SettingsOf {
  return (fn) => (only(fn) ? settings : undefined);
}
