import { Document, type Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';

/** Writes a template for people to read: YAML with the short forms of functions, and `Fn::Sub` where the CDK has `Fn::Join`. */
export function toText(template: object, heading: string): string {
  // YAML 1.1 is CloudFormation's, by which "2012-10-17" needs quotes, or it would be a date.
  const document = new Document(node(template), { version: '1.1' });
  document.commentBefore = ` ${heading}`;
  return document.toString({ lineWidth: 0 });
}

function node(value: unknown): Node {
  if (Array.isArray(value)) {
    const list = new YAMLSeq<Node>();
    list.items = value.map(node);
    return list;
  }
  if (typeof value !== 'object' || value === null) return scalar(value);
  const [[name, of] = ['', undefined], ...others] = Object.entries(value) as [string, unknown][];
  if (others.length === 0 && (name === 'Ref' || name.startsWith('Fn::'))) return intrinsic(name, of);
  const map = new YAMLMap<Scalar, Node>();
  map.items = Object.entries(value).map(([key, item]) => new Pair(new Scalar(key), node(item)));
  return map;
}

function scalar(value: unknown): Scalar {
  const made = new Scalar(value);
  if (typeof value === 'string' && value.includes('\n')) made.type = Scalar.BLOCK_LITERAL;
  return made;
}

function intrinsic(name: string, of: unknown): Node {
  const text = name === 'Fn::Join' ? substituted(of as [string, unknown[]]) : undefined;
  if (text !== undefined) return tagged('Sub', scalar(text));
  if (name === 'Fn::GetAtt') return tagged('GetAtt', scalar((of as string[]).join('.')));
  return tagged(name.replace('Fn::', ''), node(of));
}

function tagged(name: string, of: Node): Node {
  of.tag = `!${name}`;
  return of;
}

/**
 * Returns the text of an `Fn::Sub` that is equal to an `Fn::Join`, or undefined if a part of it is neither a text, a reference nor an
 * attribute. JSON gets line breaks.
 */
function substituted([separator, parts]: [string, unknown[]]): string | undefined {
  const texts = parts.map((part) => {
    if (typeof part === 'string') return part.replaceAll('${', '${!');
    const { Ref: name, 'Fn::GetAtt': attribute } = part as { Ref?: string; 'Fn::GetAtt'?: string[] };
    const reference = name ?? attribute?.join('.');
    return reference === undefined ? undefined : `\${${reference}}`;
  });
  if (texts.includes(undefined)) return undefined;
  const text = texts.join(separator);
  return text.startsWith('{') ? JSON.stringify(JSON.parse(text), undefined, 2) : text;
}
