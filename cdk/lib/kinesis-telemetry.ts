import { Aws, CfnResource, Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kinesis from 'aws-cdk-lib/aws-kinesis';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sns from 'aws-cdk-lib/aws-sns';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct, Dependable, type IConstruct } from 'constructs';
import { addAlarms, rulesOf } from './alarms';
import { attach, type AttachmentSettings } from './attachment';
import { CompletenessCheck, type CompletenessProps } from './completeness';
import { addDashboard } from './dashboard';
import { sharedName } from './deployments';
import { acknowledge } from './newer-cdk';
import { OwnLines } from './own-lines';
import { EXTENSION_NAME, LAYERS, RELEASE, published } from './spec';
import { type NewStreamProps, type StreamTraits, newStream, traits } from './stream';
import type { ArchitectureName, AttachableTelemetry } from './types';
import { type LayerBucketProps, type Zips, zipsOf } from './zips';

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
   * A stream that exists already, also of another account.
   *
   * @default a new one
   */
  readonly stream?: kinesis.IStream | undefined;

  /** What cannot be read from a stream that is not defined in this app. */
  readonly streamTraits?: StreamTraits | undefined;

  /** The stream to be made. Excludes `stream`. */
  readonly newStream?: NewStreamProps | undefined;

  /**
   * What becomes of dead letters when the stack is deleted. Layer versions are always retained: functions hold their ARNs.
   *
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
   */
  readonly removalPolicy?: RemovalPolicy | undefined;

  /**
   * Which metrics functions send, unless they are told otherwise. Each is billed. There are alarms on them where there are metrics.
   *
   * @default 'off'
   */
  readonly metrics?: 'off' | 'basic' | 'all' | undefined;

  /**
   * Checks on a schedule that no event is missing in the stream, with a metric and alarms. Reading the stream, the function and
   * the metric are billed. It takes a share of what each shard gives to its readers.
   *
   * @default no check
   */
  readonly completeness?: CompletenessProps | undefined;

  /**
   * Whom alarms tell.
   *
   * @default nobody
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
 * All that functions need to deliver their telemetry to a stream: the stream, the layers, the permission, a queue for what
 * cannot be delivered; and for people alarms and a dashboard.
 */
export class KinesisTelemetry extends Construct implements AttachableTelemetry {
  readonly stream: kinesis.IStream;
  readonly layers: Readonly<Record<ArchitectureName, lambda.ILayerVersion>>;
  readonly signedBy: string | undefined;
  /** Of the layers' zips: what tells one version of a layer from the next while their ARNs are not known. */
  readonly fingerprints: Readonly<Record<ArchitectureName, string>>;
  /** What the role of a function must be allowed, and nothing else. */
  readonly policy: iam.ManagedPolicy;
  readonly deadLetterQueue: sqs.Queue;
  readonly alarms: readonly cloudwatch.Alarm[];
  /** The scheduled check for missing events, if there is one. */
  readonly completeness: CompletenessCheck | undefined;
  readonly metrics: 'off' | 'basic' | 'all';
  readonly deploymentName: string | undefined;
  readonly streamTraits: ReturnType<typeof traits>;
  readonly ownLines: OwnLines;
  /** What it was given and the app defines, so that its stack needs the stacks of these. */
  readonly uses: readonly IConstruct[];

  constructor(scope: Construct, id: string, props: KinesisTelemetryProps = {}) {
    super(scope, id);
    if (props.stream && props.newStream) {
      throw new Error('stream and newStream exclude each other: leave out newStream to use a stream that exists, or stream to make one');
    }
    this.node.addValidation({ validate: () => sharedName(this, this.node.root.node.findAll().filter((it) => it instanceof KinesisTelemetry)) });
    this.metrics = props.metrics ?? 'off';
    this.deploymentName = props.deploymentName;
    this.stream = props.stream ?? newStream(this, 'Stream', props.newStream ?? {});
    this.streamTraits = traits(this.stream, props.newStream ?? props.streamTraits ?? {});
    const given = [this.stream, this.stream.encryptionKey, props.alarmTopic].filter((it) => it !== undefined);
    this.uses = given.filter((it) => CfnResource.isCfnResource(it.node.defaultChild));
    const zips = zipsOf(this, props.zips, props.layerBucket);
    this.signedBy = zips.signedBy;
    this.layers = {
      x86_64: this.layer('x86_64', lambda.Architecture.X86_64, zips, props),
      arm64: this.layer('arm64', lambda.Architecture.ARM_64, zips, props),
    };
    const fingerprint = (name: ArchitectureName) => zips.fingerprint(LAYERS[name].zip);
    this.fingerprints = { x86_64: fingerprint('x86_64'), arm64: fingerprint('arm64') };
    this.deadLetterQueue = this.queue(props.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    this.policy = this.permission();
    this.publish();
    this.completeness = props.completeness && new CompletenessCheck(this, 'Completeness', this.stream, this.streamTraits.retention, zips, props.completeness);
    const rules = rulesOf(this);
    this.alarms = addAlarms(this, rules, props.alarmTopic);
    const dashboard = addDashboard(this, rules, this.alarms);
    this.ownLines = new OwnLines(this, dashboard);
    // The dashboard refers to functions, which may be told to wait for the telemetry.
    const others = () => this.node.children.filter((it) => it !== dashboard);
    Dependable.implement(this, { get dependencyRoots() { return others(); } });
  }

  /**
   * Has a function deliver its telemetry: adds the layer of its architecture, the policy and the settings.
   *
   * @throws Error for what is no `lambda.Function` and for what would fail when the function runs, with its name, the value and the remedy.
   */
  attachTo(fn: lambda.Function, settings: AttachmentSettings = {}): void {
    attach(this, fn, settings);
  }

  private layer(name: ArchitectureName, architecture: lambda.Architecture, zips: Zips, props: KinesisTelemetryProps): lambda.LayerVersion {
    const { name: layerVersionName, zip } = LAYERS[name];
    const layer = new lambda.LayerVersion(this, `Layer-${name}`, {
      layerVersionName,
      description: `${EXTENSION_NAME} ${RELEASE}: delivers telemetry of ${name} functions to a Kinesis data stream`,
      license: 'Apache-2.0',
      code: zips.code(zip),
      compatibleArchitectures: [architecture],
      // Functions hold the ARNs of those before. What could not be deployed at all leaves nothing behind.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    if (props.organizationId !== undefined) {
      layer.addPermission('Organization', { accountId: '*', organizationId: props.organizationId });
      // Who uses an older version may go on using it.
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
      // The longest that SQS allows: somebody has to find the time.
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
    const values = {
      layerArn: this.layers.x86_64.layerVersionArn,
      layerArnX86_64: this.layers.x86_64.layerVersionArn,
      layerArnArm64: this.layers.arm64.layerVersionArn,
      policyArn: this.policy.managedPolicyArn,
      streamArn: this.stream.streamArn,
      deadLetterQueueUrl: this.deadLetterQueue.queueUrl,
      stackName: Aws.STACK_NAME,
    } as const;
    for (const [key, stringValue] of Object.entries(values) as [keyof typeof values, string][]) {
      new ssm.StringParameter(this, `Parameter-${key}`, {
        parameterName: published(key, this.deploymentName),
        description: `Of ${Aws.STACK_NAME}`,
        stringValue,
      });
    }
  }
}
