import { inspect } from 'node:util';
import { type Size, SizeRoundingBehavior } from 'aws-cdk-lib';

/** Characters that act on a terminal or reorder a line instead of being seen. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Returns a value of any type as one line of a message shows it. */
export function shown(value: unknown): string {
  return words(value).replace(UNSEEN, (it) => `\\u{${it.codePointAt(0)?.toString(16)}}`);
}

/** True if a value has a method. It does not use `instanceof`, because values of another copy of the CDK are valid, too. */
export function has(value: unknown, method: string): boolean {
  return typeof (value as Record<string, unknown> | null | undefined)?.[method] === 'function';
}

function words(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return String(value);
  const isNamed = has(value, 'toString') && value.toString !== Object.prototype.toString;
  if (isNamed && typeof value === 'object' && !Array.isArray(value)) {
    return (value as { readonly toString: () => string }).toString();
  }
  // In older versions of the CDK, `Size` has no string form.
  if (has(value, 'toBytes')) return `Size.bytes(${(value as Size).toBytes({ rounding: SizeRoundingBehavior.NONE })})`;
  return inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 100 });
}
