import {
  App,
  CfnCondition,
  type CfnElement,
  CfnOutput,
  CfnParameter,
  type CfnParameterProps,
  Fn,
  type ICfnConditionExpression,
  type IStackSynthesizer,
  LegacyStackSynthesizer,
  RemovalPolicy,
  Stack,
} from 'aws-cdk-lib';
import type * as kinesis from 'aws-cdk-lib/aws-kinesis';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { KinesisTelemetry } from 'kinesis-telemetry-cdk';
import { ENV_PREFIX, RELEASE } from 'kinesis-telemetry-cdk/build/lib/spec';
import { EXTENSION_NAME } from './spec';

/** Parts of a deployment that it has or has not. Each key is the name of the condition that decides. */
export interface Parts {
  /** A topic takes the alarms. */
  readonly HasAlarmTopic: boolean;
  /** A function checks on a schedule that no event is missing in the stream. */
  readonly ChecksCompleteness: boolean;
}

/** A parameter as the console shows it. */
interface Parameter extends CfnParameterProps {
  readonly label: string;
}

/** The parameters, in the groups in which the console shows them. */
const PARAMETERS = {
  Layers: {
    LayerBucket: {
      label: 'Bucket',
      description: 'Bucket that holds the zips of the release. It must be in the region of this stack.',
      allowedPattern: '[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]',
      constraintDescription: 'must be the name of a bucket: 3 to 63 of a-z 0-9 . -',
    },
    LayerPrefix: {
      label: 'Folder in the bucket',
      description: `Start of the keys in the bucket: empty, or with a slash at its end. The zips are in its folder ${RELEASE}.`,
      default: `${EXTENSION_NAME}/`,
      allowedPattern: "([A-Za-z0-9!_.*'()-]+/)*",
      constraintDescription: 'must be empty or end with a slash, without a slash at its start',
    },
  },
  Stream: {
    RetentionHours: {
      label: 'Retention in hours',
      description: 'How long the stream keeps a record. More than 24 hours are billed.',
      type: 'Number',
      default: 24,
      minValue: 24,
      maxValue: 8760,
    },
  },
  Alarms: {
    AlarmTopicArn: {
      label: 'Topic for alarms',
      description: 'ARN of an SNS topic that gets the alarms. Without it the alarms notify nothing.',
      default: '',
      allowedPattern: '(arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?',
      constraintDescription: 'must be empty or the ARN of a topic: arn:aws:sns:REGION:ACCOUNT:NAME',
    },
    CheckCompleteness: {
      label: 'Check for missing events',
      description: 'A function reads the stream every 15 minutes and reports events that are missing. What it reads is billed.',
      default: 'false',
      allowedValues: ['false', 'true'],
    },
  },
} satisfies Record<string, Record<string, Parameter>>;

type Groups = typeof PARAMETERS;
type Parameters = Record<{ [G in keyof Groups]: keyof Groups[G] }[keyof Groups], CfnParameter>;

/** Everything that functions of an account and region need. The differences between deployments are parameters, except for their parts. */
export class TemplateStack extends Stack {
  constructor(parts: Parts) {
    super(new App({ analyticsReporting: false }), 'KinesisTelemetry', {
      description: `${EXTENSION_NAME} ${RELEASE}: delivers telemetry of Lambda functions to a Kinesis data stream`,
      // It expects nothing in the account and adds nothing to the template, because nothing is uploaded.
      synthesizer: new LegacyStackSynthesizer() as IStackSynthesizer,
    });
    const given = this.parameters();
    this.condition('HasAlarmTopic', Fn.conditionNot(Fn.conditionEquals(given.AlarmTopicArn, '')));
    this.condition('ChecksCompleteness', Fn.conditionEquals(given.CheckCompleteness, 'true'));
    const removalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
    const telemetry = new KinesisTelemetry(this, 'Telemetry', {
      layerBucket: {
        bucket: s3.Bucket.fromBucketName(this, 'Zips', given.LayerBucket.valueAsString),
        // A newer template cannot take an older layer: it finds nothing in the folder of its own release.
        prefix: `${given.LayerPrefix.valueAsString}${RELEASE}/`,
      },
      newStream: { removalPolicy },
      removalPolicy,
      completeness: parts.ChecksCompleteness ? {} : undefined,
      alarmTopic: parts.HasAlarmTopic ? sns.Topic.fromTopicArn(this, 'AlarmTopic', given.AlarmTopicArn.valueAsString) : undefined,
    });
    // Set afterwards, so that the alarm on late readers takes the shortest retention: CloudFormation cannot halve a parameter.
    (telemetry.stream.node.defaultChild as kinesis.CfnStream).retentionPeriodHours = given.RetentionHours.valueAsNumber;
    this.outputs(telemetry);
  }

  /** Returns a name that people can read and that stays: without the hash of the CDK's own. */
  protected override allocateLogicalId(element: CfnElement): string {
    const path = element.node.scopes.map(({ node }) => node.id).slice(2);
    const words = path
      .filter((id) => !['Telemetry', 'Resource'].includes(id))
      .flatMap((id) => id.replace(/^AllowEventRule.*/, 'Permission').split(/[^A-Za-z0-9]+/));
    return words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
  }

  private condition(id: keyof Parts, expression: ICfnConditionExpression): void {
    new CfnCondition(this, id, { expression });
  }

  private parameters(): Parameters {
    const groups = Object.entries<Record<string, Parameter>>(PARAMETERS);
    const all = groups.flatMap(([, group]) => Object.entries(group));
    this.templateOptions.metadata = {
      'AWS::CloudFormation::Interface': {
        ParameterGroups: groups.map(([label, group]) => ({ Label: { default: label }, Parameters: Object.keys(group) })),
        ParameterLabels: Object.fromEntries(all.map(([id, { label }]) => [id, { default: label }])),
      },
    };
    return Object.fromEntries(all.map(([id, parameter]) => [id, new CfnParameter(this, id, parameter)])) as Parameters;
  }

  private outputs(telemetry: KinesisTelemetry): void {
    const { policy, stream, deadLetterQueue } = telemetry;
    const variables = `${ENV_PREFIX}STREAM=${stream.streamArn},${ENV_PREFIX}DEAD_LETTER_QUEUE_URL=${deadLetterQueue.queueUrl}`;
    for (const [id, description, value] of [
      ['LayerArnX8664', 'The layer for x86_64 functions', telemetry.layerFor(Architecture.X86_64).layerVersionArn],
      ['LayerArnArm64', 'The layer for arm64 functions', telemetry.layerFor(Architecture.ARM_64).layerVersionArn],
      ['PolicyArn', "The managed policy for the functions' roles", policy.managedPolicyArn],
      ['Variables', "The functions' environment variables, as the AWS CLI takes them", variables],
      ['StreamArn', 'The stream that gets the telemetry', stream.streamArn],
      ['DeadLetterQueueUrl', 'The queue that gets what the stream does not take', deadLetterQueue.queueUrl],
    ] as const) {
      new CfnOutput(this, id, { description, value });
    }
  }
}
