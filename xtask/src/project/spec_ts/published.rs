//! The SSM parameters that a deployment publishes, as a class with a constant for each.

use std::collections::BTreeSet;

use extension_spec::deployment::{self, ROOT, SSM_PARAMETERS};

use super::{doc, member, quoted};

/// Returns the class, and what it checks names of deployments with.
pub(super) fn class() -> String {
    let (pattern, words) = deployment::NAME;
    let reserved: BTreeSet<&str> = deployment::reserved().collect();
    let reserved: Vec<String> = reserved.into_iter().map(quoted).collect();
    let constants: Vec<String> = SSM_PARAMETERS
        .iter()
        .map(|published| {
            doc("  ", &[published.doc.to_owned()])
                + &format!(
                    "  static readonly {} = new PublishedParameter({});\n",
                    member(published.key),
                    quoted(published.name)
                )
        })
        .collect();
    format!(
        "/** What the name of a deployment looks like, and which names it cannot have. */\n\
         const NAME = /{pattern}/;\n\
         const RESERVED: readonly string[] = [{}];\n\n\
         /** An SSM parameter that a deployment publishes. */\n\
         export class PublishedParameter {{\n\
         {}\n  \
           /** @param parameterName Name of the SSM parameter in the deployment without a name. */\n  \
           private constructor(readonly parameterName: string) {{}}\n\n  \
           /**\n   \
            * Returns the name of the SSM parameter in a deployment.\n   \
            *\n   \
            * @param deploymentName Name of the deployment, if it has one.\n   \
            * @throws Error for a name that no deployment can have.\n   \
            */\n  \
           nameIn(deploymentName?: string): string {{\n    \
             if (deploymentName === undefined) return this.parameterName;\n    \
             if (!NAME.test(deploymentName) || RESERVED.includes(deploymentName)) {{\n      \
               throw new Error(`${{JSON.stringify(deploymentName)}} cannot be the name of a deployment: set {words}`);\n    \
             }}\n    \
             return this.parameterName.replace({root}, `{ROOT}${{deploymentName}}/`);\n  \
           }}\n\
         }}\n",
        reserved.join(", "),
        constants.concat(),
        root = quoted(ROOT),
    )
}
