import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { requireSignature } from './code-signing';
import { requireFunction } from './kinds';
import { type Refuse, references, requireReach } from './references';
import { type Destinations, Metrics, RELEASE, RecordFormat, type TelemetrySettings, toEnvironment } from './spec';
import { RecordDistribution } from './stream';
import type { ArchitectureName, AttachableTelemetry } from './types';

/** Settings of one function. Its stream and its dead-letter queue are those of the construct. */
export interface AttachmentSettings extends TelemetrySettings {
  /**
   * True if the function also writes its log to CloudWatch Logs. With `false` its role is denied to write logs, for every
   * function with that role.
   *
   * @default true
   */
  readonly cloudWatchLogs?: boolean | undefined;

  /**
   * True if the function's role gets the policy. Set `false` for a role that is not defined in this app, and has it already.
   *
   * @default true
   */
  readonly attachPolicy?: boolean | undefined;
}

/** The id of the construct that holds an attachment, as a child of the function. */
const ID = 'KinesisTelemetry';

/** Returns true if telemetry was attached to the function. */
export function isAttached(fn: lambda.Function): boolean {
  return fn.node.tryFindChild(ID) !== undefined;
}

/** See `KinesisTelemetry.attachTo`. */
export function attach(telemetry: AttachableTelemetry, given: lambda.Function, settings: AttachmentSettings): void {
  const fn = requireFunction(given);
  const refuse = (why: string): never => {
    throw new Error(`telemetry cannot be attached to ${fn.node.path}: ${why}`);
  };
  if (isAttached(fn)) refuse('it was attached already: attach it once, with all its settings');
  const variables = environment(telemetry, settings, refuse);
  const role = settings.attachPolicy === false ? undefined : requireRole(fn, refuse);
  requireReach(telemetry, fn, refuse);
  requireSignature(fn, telemetry.signedBy, refuse);
  if (settings.cloudWatchLogs === false) denyLogs(fn, refuse);

  const scope = new Construct(fn, ID);
  const refer = references(telemetry, fn, scope);
  const architecture = architectureOf(fn, refuse);
  addLayer(fn, refer.layer(architecture), refuse);
  for (const [name, value] of Object.entries(variables({ stream: refer.streamArn(), deadLetterQueueUrl: refer.queueUrl() }))) {
    fn.addEnvironment(name, value);
  }
  renewVersion(telemetry, fn, architecture);
  role?.addManagedPolicy(refer.policy());
  if (settings.cloudWatchLogs !== false) telemetry.ownLines.add(fn);
}

/** Checks the settings. Returns a function that turns them into variables once the stream and the queue are known. */
function environment(telemetry: AttachableTelemetry, settings: AttachmentSettings, refuse: Refuse) {
  const { cloudWatchLogs, attachPolicy: _, ...own } = settings;
  for (const name of ['stream', 'deadLetterQueueUrl']) {
    if (name in own) refuse(`${name} is the construct's to set: leave it out, or make another KinesisTelemetry`);
  }
  if (cloudWatchLogs === false && own.metrics !== undefined && own.metrics !== Metrics.OFF) {
    refuse(`metrics is "${own.metrics}", and metrics come out of CloudWatch Logs: leave one of metrics and cloudWatchLogs out`);
  }
  const { maxRecordKiB, recordDistribution } = telemetry.streamTraits;
  if (own.recordFormat === RecordFormat.KPL && recordDistribution === RecordDistribution.AUTO) {
    refuse('recordFormat is "kpl", and the stream distributes records itself, where KCL drops aggregates: choose another recordFormat, or a stream with USER_PARTITION_KEY');
  }
  const metrics = own.metrics ?? (cloudWatchLogs === false ? Metrics.OFF : telemetry.metrics);
  const all = { ...own, ...(metrics !== Metrics.OFF && { metrics }) };
  const make = (destinations: Destinations) => {
    try {
      return toEnvironment({ ...all, ...destinations });
    } catch (error) {
      return refuse((error as Error).message);
    }
  };
  // Checks the types first, because only a Size can be compared.
  make({});
  if (own.maxRecordBytes && !own.maxRecordBytes.isUnresolved() && own.maxRecordBytes.toBytes() > maxRecordKiB * 1024) {
    refuse(`maxRecordBytes is ${own.maxRecordBytes.toBytes()}, and the stream takes ${maxRecordKiB * 1024}: set less, or the stream's maxRecordSize`);
  }
  return make;
}

/** Returns the function's role if the app defines it. A policy cannot be attached to an imported role. */
function requireRole(fn: lambda.Function, refuse: Refuse): iam.IRole {
  if (fn.role === undefined || !iam.Role.isRole(fn.role)) {
    return refuse('its role is not defined in this app, so the policy cannot be attached to it: attach it yourself and set attachPolicy to false');
  }
  return fn.role;
}

function architectureOf(fn: lambda.Function, refuse: Refuse): ArchitectureName {
  const { name } = fn.architecture;
  return name === 'x86_64' || name === 'arm64' ? name : refuse(`there is no layer for the architecture ${name}`);
}

function addLayer(fn: lambda.Function, layer: lambda.ILayerVersion, refuse: Refuse): void {
  try {
    fn.addLayers(layer);
  } catch (error) {
    refuse(`it takes no further layer, and Lambda allows five: merge some of them (${(error as Error).message})`);
  }
}

/**
 * Makes `fn.currentVersion` a new version when the layer, the stream or the queue changes. The template refers to them by names
 * that do not change, so without this an alias would keep the last version.
 */
function renewVersion(telemetry: AttachableTelemetry, fn: lambda.Function, architecture: ArchitectureName): void {
  const places: unknown = Stack.of(telemetry.scope).resolve([telemetry.stream.streamArn, telemetry.deadLetterQueue.queueUrl]);
  fn.invalidateVersionBasedOn(RELEASE + telemetry.fingerprints[architecture] + JSON.stringify(places));
}

/**
 * Denies the role to write logs in its account and region, because the name of the function's log group is not known where the
 * role is defined. Checks the role afterwards, because a role that accepts no policies drops the statement and reports success.
 */
function denyLogs(fn: lambda.Function, refuse: Refuse): void {
  const actions = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'];
  const logGroups = Stack.of(fn).formatArn({ service: 'logs', resource: 'log-group:*' });
  const statement = new iam.PolicyStatement({ sid: 'NoCloudWatchLogs', effect: iam.Effect.DENY, actions, resources: [logGroups] });
  fn.role?.addToPrincipalPolicy(statement);
  const taken = fn.role?.node.findAll().some((it) => it instanceof iam.Policy || iam.Role.isRole(it));
  if (!taken) {
    const byHand = JSON.stringify({ Effect: 'Deny', Action: actions, Resource: 'arn:aws:logs:*:*:log-group:*' });
    refuse(`its role takes no policies from this app, so it would go on writing logs: leave cloudWatchLogs out, and add to the role ${byHand}`);
  }
}
