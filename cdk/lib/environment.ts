import { type Duration, type Size, SizeRoundingBehavior, Token, Tokenization } from 'aws-cdk-lib';
import { has, shown } from './shown';

/** Allowed numbers, both ends included, in the unit of the variable. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** No range of its own. */
const ANY: Range = { min: 0, max: Number.MAX_SAFE_INTEGER };

/**
 * Turns settings into the variables of a function.
 *
 * It refuses the values that the extension would refuse, before anything is deployed, and reports all problems together. Callers
 * without TypeScript may pass any value. A token, whose value only the deployment knows, is passed on unchanged.
 */
export class Environment {
  private readonly values: Record<string, string> = {};
  private readonly problems: string[] = [];

  constructor(private readonly prefix: string) {}

  /** A whole number of milliseconds. */
  millis(property: string, variable: string, value: Duration | undefined, range: Range = ANY): void {
    if (value === undefined) return;
    if (!has(value, 'toMilliseconds')) return this.refuse(property, value, 'set a Duration');
    if (value.isUnresolved()) return this.token(property, variable, () => value.toMilliseconds());
    this.number(property, variable, exact(value.toMilliseconds({ integral: false })), range, 'ms');
  }

  /** A whole number of bytes. */
  bytes(property: string, variable: string, value: Size | undefined, range: Range = ANY): void {
    if (value === undefined) return;
    if (!has(value, 'toBytes')) return this.refuse(property, value, 'set a Size');
    if (value.isUnresolved()) return this.token(property, variable, () => value.toBytes());
    const bytes = value.toBytes({ rounding: SizeRoundingBehavior.NONE });
    this.number(property, variable, exact(bytes), range, 'bytes');
  }

  /** A whole number. */
  count(property: string, variable: string, value: number | undefined, range: Range = ANY): void {
    if (value === undefined) return;
    if (typeof value !== 'number') return this.refuse(property, value, 'set a number');
    if (Token.isUnresolved(value)) return this.token(property, variable, () => value);
    this.number(property, variable, value, range, '');
  }

  /** A number from 0 to 1, which is never written with an exponent. */
  share(property: string, variable: string, value: number | undefined, expected: string): void {
    if (value === undefined) return;
    if (typeof value !== 'number') return this.refuse(property, value, `set ${expected}`);
    if (Token.isUnresolved(value)) return this.token(property, variable, () => value);
    if (!(value >= 0 && value <= 1)) return this.refuse(property, value, `set ${expected}`);
    const text = String(value);
    this.set(variable, text.includes('e') ? value.toFixed(20) : text);
  }

  /** `true` or `false`. */
  flag(property: string, variable: string, value: boolean | undefined): void {
    if (value === undefined) return;
    if (typeof value !== 'boolean') return this.refuse(property, value, 'set true or false');
    this.set(variable, String(value));
  }

  /** One word of a list. */
  choice(property: string, variable: string, value: string | undefined, words: readonly string[]): void {
    if (value === undefined) return;
    const isGood = typeof value === 'string' && (Token.isUnresolved(value) || words.includes(value));
    if (!isGood) return this.refuse(property, value, `set one of ${words.join(', ')}`);
    this.set(variable, value);
  }

  /** A text of a certain form, which `expected` describes. */
  text(property: string, variable: string, value: string | undefined, pattern: RegExp, expected: string): void {
    if (value === undefined) return;
    const isGood = typeof value === 'string' && (Token.isUnresolved(value) || pattern.test(value));
    if (!isGood) return this.refuse(property, value, `set ${expected}`);
    this.set(variable, value);
  }

  /** Words of a certain form, at least one. */
  list(property: string, variable: string, value: readonly string[] | undefined, pattern: RegExp, expected: string): void {
    if (value === undefined) return;
    const isGood = (word: unknown) => typeof word === 'string' && (Token.isUnresolved(word) || pattern.test(word));
    const isList = Array.isArray(value) && !Token.isUnresolved(value) && value.length > 0;
    if (!isList || !value.every(isGood)) return this.refuse(property, value, `set ${expected}`);
    this.set(variable, value.join(','));
  }

  /** Refuses a word that conflicts with another setting. A setting that is omitted or a token conflicts with nothing. */
  together<S extends object>(settings: S, one: keyof S & string, word: string, other: keyof S & string, words: readonly string[]): void {
    const value: unknown = settings[other];
    if (settings[one] !== word || typeof value !== 'string' || Token.isUnresolved(value) || words.includes(value)) return;
    this.refuse(other, value, `set one of ${words.join(', ')}, or another ${one} than ${word}`);
  }

  /** Refuses a share below 1 if the list of types selects no log lines. A setting that is omitted or a token conflicts with nothing. */
  selected(property: string, value: number | undefined, types: readonly string[] | undefined, category: string): void {
    const isShare = typeof value === 'number' && value >= 0 && value < 1 && !Token.isUnresolved(value);
    if (!isShare || !Array.isArray(types) || Token.isUnresolved(types)) return;
    const maySelect = (word: unknown) => Token.isUnresolved(word) || word === category || String(word).startsWith(`${category}:`);
    if (!types.some(maySelect)) this.refuse(property, value, `add ${category} to types, of whose lines it is the share, or remove it`);
  }

  /** Refuses settings with unknown names, which are usually typing errors. */
  only(settings: object, properties: readonly string[]): void {
    for (const property of Object.keys(settings).filter((name) => !properties.includes(name))) {
      this.problems.push(`${property} is no setting: remove it, or choose one of ${properties.join(', ')}`);
    }
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

  private number(property: string, variable: string, value: number, { min, max }: Range, unit: string): void {
    if (!Number.isInteger(value) || value < min || value > max) {
      const of = unit === '' ? '' : ` of ${unit}`;
      this.problems.push(`${property} is ${value}${unit && ` ${unit}`}: set a whole number${of} from ${min} to ${max}`);
      return;
    }
    this.set(variable, String(value));
  }

  /** A number that is a token. It cannot be converted, so it must be in the variable's unit; otherwise the CDK reports an error. */
  private token(property: string, variable: string, inUnit: () => number): void {
    try {
      this.set(variable, Tokenization.stringifyNumber(inUnit()));
    } catch (error) {
      this.problems.push(`${property}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private refuse(property: string, value: unknown, remedy: string): void {
    this.problems.push(`${property} is ${shown(value)}: ${remedy}`);
  }

  private set(variable: string, value: string): void {
    this.values[`${this.prefix}${variable}`] = value;
  }
}

/** Removes what binary fractions add: 1.001 seconds are 1001 milliseconds, not 1000.9999999999999. */
function exact(value: number): number {
  const whole = Math.round(value);
  return Math.abs(value - whole) < 1e-9 * Math.max(1, Math.abs(value)) ? whole : value;
}
