import { Aws, Lazy, Stack, Token } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { WIDTH, text } from './dashboard';
import { targetOf } from './references';
import { DOCS, LOG_PREFIX } from './spec';

/** The most log groups that one query of Logs Insights names. */
const MOST_SOURCES = 50;

/** The classes of log groups that Logs Insights reads. One query reads one class. */
const READABLE: readonly string[] = ['STANDARD', 'INFREQUENT_ACCESS'];

const QUERY = [
  'fields @timestamp',
  `filter @message like '${LOG_PREFIX}'`,
  `parse @message '${LOG_PREFIX} * *' as level, message`,
  'display @timestamp, level, message, @log',
  'sort @timestamp desc',
  'limit 100',
];

/** The extension's own log lines in attached functions: the last part of the dashboard. */
export class OwnLines {
  private readonly queries: Query[] = [];
  private readonly shown = new Set<unknown>();
  private hasHeading = false;
  private notShown = 0;

  constructor(
    private readonly telemetry: Construct,
    private readonly dashboard: cloudwatch.Dashboard,
  ) {}

  /** Adds the log group of a function. */
  add(fn: lambda.Function): void {
    const group = logGroupOf(fn, Stack.of(this.telemetry));
    // Functions may share a log group.
    if (group && this.shown.has(group.key)) return;
    if (!this.hasHeading) this.dashboard.addWidgets(text(Lazy.string({ produce: () => this.heading() })));
    this.hasHeading = true;
    if (group) {
      this.shown.add(group.key);
      this.query(group.logClass).sources.push(group.name);
    } else this.notShown += 1;
  }

  /** Returns a query that takes one more log group of the class. */
  private query(logClass: string): Query {
    const free = this.queries.find((it) => it.logClass === logClass && it.sources.length < MOST_SOURCES);
    if (free) return free;
    const query = new Query(logClass);
    this.queries.push(query);
    this.dashboard.addWidgets(query);
    return query;
  }

  private heading(): string {
    const question = '## What does the extension log?';
    if (this.notShown === 0) return question;
    const functions = this.notShown === 1 ? 'function is' : 'functions are';
    return `${question} ${this.notShown} attached ${functions} not shown: [why, and how to read their lines](${DOCS.ownLines})`;
  }
}

/** A table of lines. Log groups may be added as long as the template is not written. */
class Query extends cloudwatch.ConcreteWidget {
  readonly sources: string[] = [];

  constructor(readonly logClass: string) {
    super(WIDTH, 8);
  }

  toJson(): unknown[] {
    const query = Lazy.string({ produce: () => [this.sources.map((it) => `SOURCE '${it}'`).join(' | '), ...QUERY].join('\n| ') });
    const title = `Newest lines with ${LOG_PREFIX}`;
    const { width, height, x, y } = this;
    return [{ type: 'log', width, height, x, y, properties: { view: 'table', title, region: Aws.REGION, query } }];
  }
}

interface LogGroup {
  /** The log group itself, because its name may be a token. */
  readonly key: unknown;
  readonly name: string;
  readonly logClass: string;
}

/** Returns the log group of a function; `undefined` if its name is not known in the dashboard's stack, or if Logs Insights cannot read it. */
function logGroupOf(fn: lambda.Function, home: Stack): LogGroup | undefined {
  const { loggingConfig, functionName } = fn.node.defaultChild as lambda.CfnFunction;
  const given = loggingConfig && !Token.isUnresolved(loggingConfig) && 'logGroup' in loggingConfig ? loggingConfig.logGroup : undefined;
  const target = given === undefined ? undefined : targetOf(given);
  const resource = target instanceof logs.CfnLogGroup ? target : undefined;
  const logClass = resource?.logGroupClass ?? 'STANDARD';
  if (!READABLE.includes(logClass)) return undefined;
  const key = resource ?? given ?? fn;
  if ([fn, resource].some((it) => it && isWithin(Stack.of(it), home))) {
    return { key, name: given ?? `/aws/lambda/${fn.functionName}`, logClass };
  }
  // A stack cannot refer to a stack that is deployed after it, so only a name that is already known can be used.
  const name = given === undefined ? functionName && `/aws/lambda/${functionName}` : (resource?.logGroupName ?? given);
  return name === undefined || Token.isUnresolved(name) ? undefined : { key, name, logClass };
}

function isWithin(stack: Stack, home: Stack): boolean {
  return stack === home || (stack.nestedStackParent !== undefined && isWithin(stack.nestedStackParent, home));
}
