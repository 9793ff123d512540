import { Aws, CfnResource, Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kinesis from 'aws-cdk-lib/aws-kinesis';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sns from 'aws-cdk-lib/aws-sns';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct, Dependable } from 'constructs';
import { addAlarms, rulesOf } from './alarms';
import { attach, type AttachmentSettings } from './attachment';
import { CompletenessCheck, type CompletenessProps } from './completeness';
import { addDashboard } from './dashboard';
import { sharedName } from './deployments';
import { acknowledge } from './newer-cdk';
import { olderRelease } from './older-release';
import { OwnLines } from './own-lines';
import { COMPLETENESS_ZIP, EXTENSION_NAME, LAYERS, Metrics, PublishedParameter, RELEASE } from './spec';
import { type NewStreamProps, type StreamTraits, newStream, traits } from './stream';
import type { ArchitectureName, AttachableTelemetry } from './types';
import { type LayerBucketProps, type Zips, zipsOf } from './zips';

/** Properties of `KinesisTelemetry`. None is required. */
export interface KinesisTelemetryProps {
  /**
   * Folder with the zips of the layers, as `cargo xtask package` makes them. Excludes `layerBucket`.
   *
   * @default the zips that the package of a release holds
   */
  readonly zips?: string | undefined;

  /**
   * A bucket from which CloudFormation reads the zips instead: signed layers, or layers that many accounts deploy.
   *
   * @default none: the CDK uploads the zips
   */
  readonly layerBucket?: LayerBucketProps | undefined;

  /**
   * An existing stream, which may be in another account.
   *
   * @default a new one
   */
  readonly stream?: kinesis.IStream | undefined;

  /** The properties of a stream that the CDK cannot read, because the app does not define the stream. */
  readonly streamTraits?: StreamTraits | undefined;

  /** The stream to be made. Excludes `stream`. */
  readonly newStream?: NewStreamProps | undefined;

  /**
   * The removal policy of the dead-letter queue. Layer versions are always retained: functions hold their ARNs.
   *
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
   */
  readonly removalPolicy?: RemovalPolicy | undefined;

  /**
   * The metrics that functions send unless their settings say otherwise. Each is billed. There are alarms on them where there are metrics.
   *
   * @default Metrics.OFF
   */
  readonly metrics?: Metrics | undefined;

  /**
   * Checks on a schedule that no event is missing in the stream, with a metric and alarms. Reading the stream, the function and
   * the metric are billed. It takes a share of what each shard gives to its readers.
   *
   * @default no check
   */
  readonly completeness?: CompletenessProps | undefined;

  /**
   * The topic that alarms notify.
   *
   * @default no topic
   */
  readonly alarmTopic?: sns.ITopic | undefined;

  /**
   * Organisation (`o-…`) whose accounts may use the layers.
   *
   * @default this account alone
   */
  readonly organizationId?: string | undefined;

  /**
   * Distinguishes a further deployment in the same account and region. Two of one name there fail the synthesis.
   *
   * @default none, as the first one has
   */
  readonly deploymentName?: string | undefined;
}

/**
 * The resources that functions need to deliver their telemetry to a stream: the stream, the layers, the permission, and a queue
 * for records that cannot be delivered. For people there are alarms and a dashboard.
 */
export class KinesisTelemetry extends Construct {
  /** The stream that receives the telemetry. */
  readonly stream: kinesis.IStream;
  /** The policy with exactly the permissions that the role of a function needs. */
  readonly policy: iam.ManagedPolicy;
  /** The queue for records that could not be delivered. */
  readonly deadLetterQueue: sqs.Queue;
  /** The alarms on telemetry that is late or lost. */
  readonly alarms: cloudwatch.Alarm[];
  /** The scheduled check for missing events, if there is one. */
  readonly completeness: CompletenessCheck | undefined;
  /** The metrics that functions send unless their settings say otherwise. */
  readonly metrics: Metrics;
  /** The name of the deployment, if it has one. */
  readonly deploymentName: string | undefined;
  private readonly layers: Readonly<Record<ArchitectureName, lambda.LayerVersion>>;
  private readonly attachable: AttachableTelemetry;

  constructor(scope: Construct, id: string, props: KinesisTelemetryProps = {}) {
    super(scope, id);
    if (props.stream && props.newStream) {
      throw new Error('stream and newStream exclude each other: leave out newStream to use a stream that exists, or stream to make one');
    }
    this.node.addValidation({ validate: () => sharedName(this, this.node.root.node.findAll().filter((it) => it instanceof KinesisTelemetry)) });
    this.node.addValidation({ validate: () => olderRelease(this, props.deploymentName) });
    this.metrics = props.metrics ?? Metrics.OFF;
    this.deploymentName = props.deploymentName;
    this.stream = props.stream ?? newStream(this, 'Stream', props.newStream ?? {});
    const streamTraits = traits(this.stream, props.newStream ?? props.streamTraits ?? {});
    const zips = zipsOf(this, props.zips, props.layerBucket);
    this.layers = {
      x86_64: this.layer('x86_64', lambda.Architecture.X86_64, zips, props),
      arm64: this.layer('arm64', lambda.Architecture.ARM_64, zips, props),
    };
    this.deadLetterQueue = this.queue(props.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    this.policy = this.permission();
    this.publish();
    const { retention } = streamTraits;
    this.completeness =
      props.completeness &&
      new CompletenessCheck(this, 'Completeness', { ...props.completeness, stream: this.stream, retention, code: zips.code(COMPLETENESS_ZIP) });
    const { stream, deadLetterQueue, metrics, deploymentName, completeness, layers, policy } = this;
    const target = { scope: this, stream, streamTraits, deadLetterQueue, metrics, deploymentName, completeness };
    const rules = rulesOf(target);
    this.alarms = addAlarms(target, rules, props.alarmTopic);
    const dashboard = addDashboard(target, rules, this.alarms);
    const given = [stream, stream.encryptionKey, props.alarmTopic].filter((it) => it !== undefined);
    this.attachable = {
      ...target,
      layers,
      fingerprints: { x86_64: zips.fingerprint(LAYERS.x86_64.zip), arm64: zips.fingerprint(LAYERS.arm64.zip) },
      signedBy: zips.signedBy,
      policy,
      ownLines: new OwnLines(this, dashboard),
      uses: given.filter((it) => CfnResource.isCfnResource(it.node.defaultChild)),
    };
    // Not the whole scope, because the dashboard refers to functions, which may depend on the telemetry.
    const others = () => this.node.children.filter((it) => it !== dashboard);
    Dependable.implement(this, { get dependencyRoots() { return others(); } });
  }

  /**
   * Returns the layer for functions of an architecture.
   *
   * @throws Error for an architecture for which there is no layer.
   */
  layerFor(architecture: lambda.Architecture): lambda.ILayerVersion {
    const layer = (this.layers as Readonly<Record<string, lambda.ILayerVersion>>)[architecture.name];
    if (layer) return layer;
    throw new Error(`there is no layer for the architecture ${architecture.name}: choose one of ${Object.keys(this.layers).join(', ')}`);
  }

  /**
   * Attaches telemetry to a function: adds the layer of its architecture, the policy and the settings.
   *
   * @throws Error for what is no `lambda.Function` and for what would fail when the function runs, with its name, the value and the remedy.
   */
  attachTo(fn: lambda.Function, settings: AttachmentSettings = {}): void {
    attach(this.attachable, fn, settings);
  }

  private layer(name: ArchitectureName, architecture: lambda.Architecture, zips: Zips, props: KinesisTelemetryProps): lambda.LayerVersion {
    const { name: layerVersionName, zip } = LAYERS[name];
    const layer = new lambda.LayerVersion(this, `Layer-${name}`, {
      layerVersionName,
      description: `${EXTENSION_NAME} ${RELEASE}: delivers telemetry of ${name} functions to a Kinesis data stream`,
      license: 'Apache-2.0',
      code: zips.code(zip),
      compatibleArchitectures: [architecture],
      // Functions hold the ARNs of earlier versions. A failed first deployment leaves nothing behind.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    if (props.organizationId !== undefined) {
      layer.addPermission('Organization', { accountId: '*', organizationId: props.organizationId });
      // Functions with an older version may keep it.
      for (const child of layer.node.children) {
        if (child instanceof lambda.CfnLayerVersionPermission) child.applyRemovalPolicy(RemovalPolicy.RETAIN);
      }
    }
    return layer;
  }

  private queue(removalPolicy: RemovalPolicy): sqs.Queue {
    const queue = new sqs.Queue(this, 'DeadLetters', {
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // The longest retention that SQS allows, so that there is time to react.
      retentionPeriod: Duration.days(14),
      removalPolicy,
    });
    acknowledge(queue, 'AwsSolutions-SQS3', 'It is the dead-letter queue itself; an alarm watches it.');
    return queue;
  }

  private permission(): iam.ManagedPolicy {
    const statements = [
      new iam.PolicyStatement({ sid: 'Deliver', actions: ['kinesis:PutRecords'], resources: [this.stream.streamArn] }),
      new iam.PolicyStatement({ sid: 'DeadLetters', actions: ['sqs:SendMessage'], resources: [this.deadLetterQueue.queueArn] }),
    ];
    if (this.stream.encryptionKey) {
      const encrypt = new iam.PolicyStatement({
        sid: 'Encrypt',
        actions: ['kms:GenerateDataKey'],
        resources: [this.stream.encryptionKey.keyArn],
        conditions: { StringEquals: { 'kms:EncryptionContext:aws:kinesis:arn': this.stream.streamArn } },
      });
      statements.push(encrypt);
    }
    return new iam.ManagedPolicy(this, 'Policy', {
      description: 'Lets a function deliver its telemetry, and nothing else',
      statements,
    });
  }

  private publish(): void {
    const { x86_64, arm64 } = this.layers;
    const values = {
      layerArn: [PublishedParameter.LAYER_ARN, x86_64.layerVersionArn],
      layerArnX86_64: [PublishedParameter.LAYER_ARN_X86_64, x86_64.layerVersionArn],
      layerArnArm64: [PublishedParameter.LAYER_ARN_ARM64, arm64.layerVersionArn],
      policyArn: [PublishedParameter.POLICY_ARN, this.policy.managedPolicyArn],
      streamArn: [PublishedParameter.STREAM_ARN, this.stream.streamArn],
      deadLetterQueueUrl: [PublishedParameter.DEAD_LETTER_QUEUE_URL, this.deadLetterQueue.queueUrl],
      release: [PublishedParameter.RELEASE, RELEASE],
      stackName: [PublishedParameter.STACK_NAME, Aws.STACK_NAME],
    } as const;
    for (const [id, [parameter, stringValue]] of Object.entries(values)) {
      new ssm.StringParameter(this, `Parameter-${id}`, {
        parameterName: parameter.nameIn(this.deploymentName),
        description: `Of ${Aws.STACK_NAME}`,
        stringValue,
      });
    }
  }
}
