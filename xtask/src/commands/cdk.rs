//! `cdk`: any other command of the CDK's tool.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::deployment::{self, Contents, Deployment};

/// Commands of the CDK's tool that need credentials. The others read only this machine.
const ON_AWS: [&str; 13] = [
    "bootstrap",
    "deploy",
    "destroy",
    "diagnose",
    "diff",
    "drift",
    "gc",
    "import",
    "orphan",
    "publish-assets",
    "refactor",
    "rollback",
    "watch",
];

/// Run any other command of the CDK on a stage: list, drift, rollback, ...
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    deployment: Deployment,
    #[command(flatten)]
    contents: Contents,
    /// Command and options of the CDK.
    #[arg(value_name = "ARGUMENTS", last = true, required = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let Options { deployment, contents, arguments } = options;
    deployment::require(Some(contents))?;
    let words: Vec<_> = arguments.iter().map(|it| it.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let profile = profile(&words);
    let is_on_aws = profile.is_some() || words.iter().any(|it| ON_AWS.contains(it));
    let place = if is_on_aws && !words.contains(&"--help") {
        Some(deployment::find_place(deployment, profile)?)
    } else {
        None
    };
    let zips = contents.zips(&deployment::compile()?)?;
    deployment::tool(deployment, Some(contents), &zips, |cdk| {
        let cdk = cdk.args(arguments);
        place.iter().fold(cdk, |cdk, place| place.lead(cdk))
    })
}

/// Returns the profile that an option of the CDK names.
fn profile<'a>(words: &[&'a str]) -> Option<&'a str> {
    let after = |(index, word): (usize, &&'a str)| match word.strip_prefix("--profile") {
        Some("") => words.get(index + 1).copied(),
        Some(rest) => rest.strip_prefix('='),
        None => None,
    };
    words.iter().enumerate().find_map(after)
}

#[cfg(test)]
mod tests {
    use super::profile;

    #[test]
    fn the_profile_is_found_in_both_forms_of_the_option() {
        assert_eq!(profile(&["diff", "--profile", "mine"]), Some("mine"));
        assert_eq!(profile(&["--profile=mine", "diff"]), Some("mine"));
        for words in [&["diff"][..], &["diff", "--profile"], &["diff", "--profiles", "mine"]] {
            assert_eq!(profile(words), None, "{words:?}");
        }
    }
}
