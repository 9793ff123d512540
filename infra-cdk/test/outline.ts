import { RELEASE } from 'kinesis-telemetry-cdk/build/lib/spec';

/** A template as a text that people can review: no JSON around intrinsic functions, no hashes that every build changes, no name of a release. */
export function outline(template: Record<string, unknown>): string {
  const { Resources, Parameters = {}, Outputs = {} } = template as Record<string, Record<string, Record<string, unknown>>>;
  const resources = Object.entries(Resources ?? {}).map(([id, { Type, Properties, DeletionPolicy, ...rest }]) => {
    const kept = typeof DeletionPolicy === 'string' ? ` (${DeletionPolicy.toLowerCase()})` : '';
    const dependsOn = rest['DependsOn'] === undefined ? [] : [`  DependsOn: ${inline(rest['DependsOn'])}`];
    return [`${String(Type)} ${name(id)}${kept}`, ...dependsOn, ...lines(Properties, '  ')].join('\n');
  });
  const parameters = Object.values(Parameters).map((it) => `Parameter ${String(it['Default'])}`);
  const outputs = Object.entries(Outputs).map(([id, it]) => `Output ${id}: ${inline(it['Value'])}`);
  return [...parameters.sort(), ...resources, ...outputs].join('\n\n') + '\n';
}

/** Removes the hash that the CDK appends. */
function name(id: string): string {
  return id.replace(/[0-9A-F]{8}(?=\.|$)/, '').replace(/^SsmParameterValue(.*?)[0-9A-F]{32}Parameter$/, '$1');
}

function lines(value: unknown, indent: string): string[] {
  const simple = scalar(value);
  if (simple !== undefined) return [`${indent}${simple}`];
  if (Array.isArray(value)) {
    return value.flatMap((item) => {
      const [first = '', ...rest] = lines(item, `${indent}  `);
      return [`${indent}- ${first.trimStart()}`, ...rest];
    });
  }
  return Object.entries(value as object).flatMap(([key, item]: [string, unknown]) => {
    const text = scalar(item);
    // A dashboard is a text that holds JSON.
    if (key === 'DashboardBody' && text !== undefined) return [`${indent}${key}:`, ...lines(JSON.parse(text), `${indent}  `)];
    return text === undefined ? [`${indent}${key}:`, ...lines(item, `${indent}  `)] : [`${indent}${key}: ${text}`];
  });
}

/** Writes a value in one line if it has no parts; an intrinsic function has none. */
function scalar(value: unknown): string | undefined {
  if (value === null || typeof value !== 'object') return asset(String(value));
  const [[key, of] = ['', undefined], ...others] = Object.entries(value) as [string, unknown][];
  if (Array.isArray(value) || others.length > 0) return undefined;
  if (key === 'Ref') return `\${${name(String(of))}}`;
  if (key === 'Fn::GetAtt') return `\${${name((of as string[]).join('.'))}}`;
  if (key === 'Fn::Join') return (of as [string, unknown[]])[1].map(inline).join((of as [string])[0]);
  if (key === 'Fn::Sub') return asset(String(of));
  return undefined;
}

function inline(value: unknown): string {
  return scalar(value) ?? JSON.stringify(value);
}

function asset(text: string): string {
  return text.replaceAll(RELEASE, 'RELEASE').replace(/[0-9a-f]{64}/g, 'HASH').replace(/(?<=(Ref|GetAtt)[^,]*)[0-9A-F]{8}(?=")/g, '');
}
