import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App, Stack, type StackProps } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { KinesisTelemetry, type KinesisTelemetryProps } from '../lib/index';
import { COMPLETENESS_ZIP, LAYERS } from '../lib/spec';

const EMPTY_ZIP = Buffer.from('504b0506000000000000000000000000000000000000', 'hex');

/** Makes a folder with the zips of the layers and of the completeness function, and with `others`. They are empty but for a comment, because no test opens them. */
export function zips(comment = '', others: readonly string[] = []): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'zips-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  for (const zip of [...Object.values(LAYERS).map((layer) => layer.zip), COMPLETENESS_ZIP, ...others]) {
    writeFileSync(path.join(folder, zip), Buffer.concat([EMPTY_ZIP, Buffer.from(comment)]));
  }
  return folder;
}

const ZIPS = zips();

/** Returns a user's stack with telemetry in it. */
export function telemetryIn(props: Partial<KinesisTelemetryProps> = {}, stackProps: StackProps = {}) {
  const app = new App();
  const stack = new Stack(app, 'Theirs', stackProps);
  return { app, stack, telemetry: new KinesisTelemetry(stack, 'Telemetry', { zips: ZIPS, ...props }) };
}

/** Returns a user's function. */
export function someFunction(stack: Stack, props: Partial<lambda.FunctionProps> = {}, id = 'Orders'): lambda.Function {
  return new lambda.Function(stack, id, {
    runtime: lambda.Runtime.NODEJS_22_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline('exports.handler = async () => {}'),
    ...props,
  });
}

/** Returns the layers and the variables of the stack's one function. */
export function attached(stack: Stack): { layers: unknown[]; variables: Record<string, unknown> } {
  const functions = Object.values(Template.fromStack(stack).findResources('AWS::Lambda::Function')) as {
    Properties: { Layers?: unknown[]; Environment?: { Variables: Record<string, unknown> } };
  }[];
  const [fn] = functions;
  if (functions.length !== 1 || !fn) throw new Error(`${functions.length} functions`);
  return { layers: fn.Properties.Layers ?? [], variables: fn.Properties.Environment?.Variables ?? {} };
}

/** The statements of all policies of the stack, managed or inline. */
export function statements(stack: Stack): { Action: string | string[]; Effect: string; Resource: unknown; Condition?: unknown }[] {
  const template = Template.fromStack(stack);
  const policies = ['AWS::IAM::ManagedPolicy', 'AWS::IAM::Policy'].flatMap((type) => Object.values(template.findResources(type)));
  return policies.flatMap((it) => (it as { Properties: { PolicyDocument: { Statement: [] } } }).Properties.PolicyDocument.Statement);
}

/** A widget of a dashboard, as CloudWatch reads it. */
export interface Widget {
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** The dashboard of the stack: its name and its body, with `${LogicalId}` in the places of references. */
export function dashboard(stack: Stack): { name: unknown; start: string; periodOverride: string; widgets: Widget[] } {
  const [found, ...others] = Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Dashboard')) as {
    Properties: { DashboardName?: unknown; DashboardBody: unknown };
  }[];
  if (!found || others.length > 0) throw new Error(`${others.length + (found ? 1 : 0)} dashboards`);
  const { DashboardName: name = '', DashboardBody: body } = found.Properties;
  return { name: joined(name), ...(JSON.parse(joined(body)) as Omit<ReturnType<typeof dashboard>, 'name'>) };
}

/** A value of a template as a text. */
export function joined(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[key, of] = ['', ''] as [string, unknown]] = Object.entries(value as Record<string, unknown>);
  if (key === 'Fn::Join') return (of as [string, unknown[]])[1].map(joined).join('');
  return `\${${[of].flat().join('.')}}`;
}

export { Match, Template };
