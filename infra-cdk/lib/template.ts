import { App } from 'aws-cdk-lib';
import { type Resource, type Template, merged } from './merged';
import { type Parts, TemplateStack } from './template-stack';
import { toText } from './template-text';

const HEADING = 'Made from the constructs in cdk/lib and from infra-cdk/lib/template-stack.ts. Edit those, then: UPDATE_EXPECT=1 npm test';

/** Returns the template of a deployment that has exactly these parts. */
export function withParts(parts: Parts): Template {
  const stack = new TemplateStack(parts);
  const template = App.of(stack)?.synth().getStackArtifact(stack.artifactId).template as Template;
  const resources = Object.entries(template.Resources).map(([id, resource]) => [id, withoutNeedlessDependencies(resource)]);
  return { ...template, Resources: Object.fromEntries(resources) as Template['Resources'] };
}

/** Returns the template whose parameters decide on its parts. */
export function template(): Template {
  const without = { ChecksCompleteness: false, HasAlarmTopic: false };
  return decided(Object.keys(without) as (keyof Parts)[], without);
}

/** Returns the template as the file that people deploy. */
export function templateText(): string {
  return toText(template(), HEADING);
}

function decided([part, ...others]: readonly (keyof Parts)[], parts: Parts): Template {
  if (part === undefined) return withParts(parts);
  return merged(part, decided(others, { ...parts, [part]: true }), decided(others, { ...parts, [part]: false }));
}

/** Leaves out the dependencies that follow from references: cfn-lint warns of them. */
function withoutNeedlessDependencies(resource: Resource): Resource {
  const { DependsOn, ...rest } = resource;
  const needed = DependsOn?.filter((id) => !JSON.stringify(rest).includes(`"Fn::GetAtt":["${id}",`));
  return needed === undefined || needed.length === 0 ? rest : { ...rest, DependsOn: needed };
}
