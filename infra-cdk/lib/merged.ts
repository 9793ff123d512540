import { isDeepStrictEqual } from 'node:util';

/** A resource of a template. */
export interface Resource {
  readonly Type: string;
  readonly Condition?: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
}

/** A template. Its other sections are equal in all that are merged. */
export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
}

/** The value that a property has where the resource does not have the property. */
const NO_VALUE = { Ref: 'AWS::NoValue' };

/**
 * Returns a template that is `on` where the condition holds, and `off` where it does not: a resource that `off` does not have gets the
 * condition, and a property that differs becomes an `Fn::If`.
 *
 * @throws Error if the two differ in more than that.
 */
export function merged(condition: string, on: Template, off: Template): Template {
  const resources = Object.entries(on.Resources).map(([id, resource]) => {
    const other = off.Resources[id];
    return [id, other ? either(condition, id, resource, other) : only(condition, id, resource)] as const;
  });
  const rest = Object.entries(off.Resources).filter(([id]) => !(id in on.Resources));
  requireEqual(condition, 'the template', { ...on, Resources: {} }, { ...off, Resources: Object.fromEntries(rest) });
  return { ...on, Resources: Object.fromEntries(resources) };
}

function only(condition: string, id: string, { Type, ...rest }: Resource): Resource {
  if (rest.Condition !== undefined) throw new Error(`${id} has the condition ${rest.Condition} and cannot have ${condition} as well`);
  return { Type, Condition: condition, ...rest };
}

function either(condition: string, id: string, on: Resource, off: Resource): Resource {
  requireEqual(condition, id, { ...on, Properties: {} }, { ...off, Properties: {} });
  const [there, other] = [on.Properties ?? {}, off.Properties ?? {}];
  const choose = (name: string): unknown =>
    isDeepStrictEqual(there[name], other[name]) ? there[name] : { 'Fn::If': [condition, there[name] ?? NO_VALUE, other[name] ?? NO_VALUE] };
  return { ...on, Properties: Object.fromEntries(Object.keys({ ...there, ...other }).map((name) => [name, choose(name)])) };
}

function requireEqual(condition: string, what: string, on: unknown, off: unknown): void {
  if (!isDeepStrictEqual(on, off)) throw new Error(`with ${condition} ${what} is ${JSON.stringify(on)}, and without it ${JSON.stringify(off)}`);
}
