import { CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { KinesisTelemetry } from 'kinesis-telemetry-cdk';
import { type Stage, VERIFICATION } from './spec';

export interface TelemetryStackProps extends StackProps {
  readonly stage: Stage;
  /** Folder with the zips of the layers. */
  readonly zips: string;
  readonly deploymentName?: string | undefined;
  readonly organizationId?: string | undefined;
}

/** Everything that functions of an account and region need, as a stage wants it. */
export class TelemetryStack extends Stack {
  readonly telemetry: KinesisTelemetry;

  constructor(scope: Construct, id: string, props: TelemetryStackProps) {
    super(scope, id, props);
    const { stage } = props;
    const removalPolicy = stage.retained ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
    // Without its key a stream that was retained could not be read.
    const encryptionKey = stage.customerKey
      ? new kms.Key(this, 'Key', { description: `Encrypts the stream of ${this.stackName}`, enableKeyRotation: true, removalPolicy })
      : undefined;
    const alarmTopic = stage.alarmTopic ? this.topic() : undefined;
    this.telemetry = new KinesisTelemetry(this, 'Telemetry', {
      zips: props.zips,
      newStream: { retention: stage.retention, removalPolicy, encryptionKey },
      removalPolicy,
      metrics: stage.metrics,
      completeness: stage.completeness && { schedule: stage.completeness },
      alarmTopic,
      organizationId: props.organizationId,
      deploymentName: props.deploymentName,
    });
    // No other function can have their ARNs.
    if (props.deploymentName === VERIFICATION) {
      for (const architecture of [Architecture.X86_64, Architecture.ARM_64]) {
        this.telemetry.layerFor(architecture).applyRemovalPolicy(RemovalPolicy.DESTROY);
      }
    }
    new CfnOutput(this, 'StreamArn', { value: this.telemetry.stream.streamArn });
    if (alarmTopic) new CfnOutput(this, 'AlarmTopicArn', { value: alarmTopic.topicArn });
  }

  private topic(): sns.Topic {
    const topic = new sns.Topic(this, 'AlarmTopic', { enforceSSL: true });
    // With a policy of its own a topic loses the default one, by which alarms could publish.
    topic.grantPublish(
      new iam.ServicePrincipal('cloudwatch.amazonaws.com', { conditions: { StringEquals: { 'aws:SourceAccount': this.account } } }),
    );
    return topic;
  }
}
