//! Files that tell git and editors about the other files.

use xtask_synth::{Comments, Project};

const IGNORED: &str = "\
# Everything that is built or installed, and what `cargo xtask demo` leaves behind.
/target/
/fuzz/target/
# What a fuzzer finds. It goes into its corpus, under a name that says what it is.
/fuzz/artifacts/
# What a killed `cargo xtask synth` may leave behind.
.*.unfinished
__pycache__/
# The npm packages and the CDK app: what npm installs, TypeScript compiles, npm packs and the CDK synthesizes. (What the CDK
# remembers of an account, cdk.context.json, belongs into the repository.)
node_modules/
/cdk/build/
/consumers/node/build/
/cdk/*.tgz
/infra-cdk/build/
/infra-cdk/cdk.out/
";

/// Lock files are written by package managers, and reviewed as such; inputs of fuzzers are bytes.
const ATTRIBUTES: &str = "\
* text=auto eol=lf
/fuzz/corpus/** -text
Cargo.lock linguist-generated
package-lock.json linguist-generated
requirements.txt linguist-generated
/cdk/API.md linguist-generated
";

const EDITORS: &str = "\
root = true

[*]
charset = utf-8
end_of_line = lf
indent_size = 2
indent_style = space
insert_final_newline = true
trim_trailing_whitespace = true

[*.{rs,py,toml}]
indent_size = 4

[*.rs]
max_line_length = 100
";

pub(super) fn add(project: &mut Project) {
    project.text(".gitignore", Comments::HASH, IGNORED);
    project.text(".editorconfig", Comments::HASH, EDITORS);
    project.listing(".gitattributes", Comments::HASH, |paths| {
        let generated = paths.iter().flat_map(|path| ["/", path, " linguist-generated\n"]);
        [ATTRIBUTES].into_iter().chain(generated).collect()
    });
}
