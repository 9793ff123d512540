import { type Duration, type Size, Token, Tokenization } from 'aws-cdk-lib';

/** Allowed numbers, both ends included, in the unit of the variable. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/**
 * Turns settings into the variables of a function.
 *
 * What the extension would refuse when it starts is refused here, before anything is deployed; all of it together. A value
 * that only the deployment knows (a token) is passed on as it is.
 */
export class Environment {
  private readonly values: Record<string, string> = {};
  private readonly problems: string[] = [];

  constructor(private readonly prefix: string) {}

  /** A whole number of milliseconds. */
  millis(property: string, variable: string, value: Duration | undefined, range?: Range): void {
    if (value === undefined) return;
    if (value.isUnresolved()) {
      this.token(property, variable, () => value.toMilliseconds());
      return;
    }
    this.number(property, variable, value.toMilliseconds({ integral: false }), range, 'ms');
  }

  /** A whole number of bytes. */
  bytes(property: string, variable: string, value: Size | undefined, range?: Range): void {
    if (value === undefined) return;
    if (value.isUnresolved()) {
      this.token(property, variable, () => value.toBytes());
      return;
    }
    this.number(property, variable, value.toBytes(), range, 'bytes');
  }

  /** A whole number. */
  count(property: string, variable: string, value: number | undefined, range?: Range): void {
    if (value === undefined) return;
    if (Token.isUnresolved(value)) {
      this.set(variable, Tokenization.stringifyNumber(value));
      return;
    }
    this.number(property, variable, value, range, '');
  }

  /** `true` or `false`. */
  flag(property: string, variable: string, value: boolean | undefined): void {
    if (value === undefined) return;
    if (typeof value !== 'boolean') {
      this.problems.push(`${property} is ${JSON.stringify(value)}: set true or false`);
      return;
    }
    this.set(variable, String(value));
  }

  /** One word of a list. */
  choice(property: string, variable: string, value: string | undefined, words: readonly string[]): void {
    if (value === undefined) return;
    if (!Token.isUnresolved(value) && !words.includes(value)) {
      this.problems.push(`${property} is ${JSON.stringify(value)}: set one of ${words.join(', ')}`);
      return;
    }
    this.set(variable, value);
  }

  /** A text of a certain form. */
  text(property: string, variable: string, value: string | undefined, pattern: RegExp): void {
    if (value === undefined) return;
    if (!Token.isUnresolved(value) && !pattern.test(value)) {
      this.problems.push(`${property} is ${JSON.stringify(value)}: it must match ${pattern.source}`);
      return;
    }
    this.set(variable, value);
  }

  /** Words of a certain form. */
  list(property: string, variable: string, value: readonly string[] | undefined, pattern: RegExp): void {
    if (value === undefined) return;
    if (Token.isUnresolved(value)) {
      this.problems.push(`${property} is a token: list the words themselves`);
      return;
    }
    if (value.length === 0) {
      this.problems.push(`${property} is empty: leave it out for the default`);
      return;
    }
    const wrong = value.filter((word) => !Token.isUnresolved(word) && !pattern.test(word));
    for (const word of wrong) {
      this.problems.push(`${property} has ${JSON.stringify(word)}: it must match ${pattern.source}`);
    }
    this.set(variable, value.join(','));
  }

  /**
   * Everything that was set.
   *
   * @throws Error that names everything that was wrong.
   */
  variables(): Record<string, string> {
    if (this.problems.length > 0) {
      throw new Error(`these settings of the telemetry extension cannot be used:\n  ${this.problems.join('\n  ')}`);
    }
    return { ...this.values };
  }

  private number(property: string, variable: string, value: number, range: Range | undefined, unit: string): void {
    const { min, max } = range ?? { min: 0, max: Number.MAX_SAFE_INTEGER };
    if (!Number.isInteger(value) || value < min || value > max) {
      const of = unit === '' ? '' : ` of ${unit}`;
      this.problems.push(`${property} is ${value}${unit && ` ${unit}`}: set a whole number${of} from ${min} to ${max}`);
      return;
    }
    this.set(variable, String(value));
  }

  /** A number that is not known yet. It knows no arithmetic, so its unit must be the variable's already; the CDK says so. */
  private token(property: string, variable: string, inUnit: () => number): void {
    try {
      this.set(variable, Tokenization.stringifyNumber(inUnit()));
    } catch (error) {
      this.problems.push(`${property}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private set(variable: string, value: string): void {
    this.values[`${this.prefix}${variable}`] = value;
  }
}
