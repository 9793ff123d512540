import { Annotations, type IAspect } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { IConstruct } from 'constructs';
import { type AttachmentSettings, isAttached, takesLayers } from './attachment';
import type { KinesisTelemetry } from './kinesis-telemetry';

export interface AttachTelemetryProps extends AttachmentSettings {
  /**
   * Which functions are meant.
   *
   * @default all
   */
  readonly only?: ((fn: lambda.Function) => boolean) | undefined;
}

/**
 * Attaches telemetry to every function below a construct: `Aspects.of(app).add(new AttachTelemetry(telemetry))`.
 *
 * A function that has it already keeps its settings. A container image, which takes no layers, is passed by with a warning.
 */
export class AttachTelemetry implements IAspect {
  private readonly only: (fn: lambda.Function) => boolean;
  private readonly settings: AttachmentSettings;

  constructor(
    private readonly telemetry: KinesisTelemetry,
    props: AttachTelemetryProps = {},
  ) {
    const { only = () => true, ...settings } = props;
    this.only = only;
    this.settings = settings;
  }

  visit(node: IConstruct): void {
    if (!(node instanceof lambda.Function) || isAttached(node) || !this.only(node)) return;
    if (takesLayers(node)) return this.telemetry.attachTo(node, this.settings);
    Annotations.of(node).addWarningV2(
      'kinesis-telemetry:image',
      'Its telemetry is not delivered: it is a container image, which takes no layers (docs/deploying.md, "Container images")',
    );
  }
}
