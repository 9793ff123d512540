//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Publish the layers of a release: sign, publish privately in every region, verify with a function, then open
#[derive(Clone, Debug, Parser)]
#[command(
    name = "cargo xtask publish",
    after_help = "Credentials are taken from where every AWS tool takes them. docs/releasing.md lists the permissions. If a run \
                  fails, run the same command again: it continues, and publishes nothing twice. Exit code: 0 done, 1 a region \
                  failed, 2 nothing was done."
)]
pub(crate) struct Options {
    /// The folder made by cargo xtask release
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    /// A region, or several with commas between them; can be repeated
    #[arg(
        long,
        value_name = "REGIONS",
        value_delimiter = ',',
        required_unless_present = "regions_file"
    )]
    pub(crate) regions: Vec<String>,
    /// A file of regions, one per line
    #[arg(long, value_name = "FILE", conflicts_with = "regions")]
    pub(crate) regions_file: Option<PathBuf>,
    /// ARN of the role for the functions that verify the layers; it needs no permissions
    #[arg(long, value_name = "ARN", required_unless_present = "dry_run")]
    pub(crate) canary_role: Option<String>,
    /// Open the layers to the accounts of this organization only
    #[arg(long, value_name = "ID")]
    pub(crate) organization: Option<String>,
    /// Sign the layers with this profile of AWS Signer, in the first region
    #[arg(long, value_name = "NAME", requires = "signing_bucket")]
    pub(crate) signing_profile: Option<String>,
    /// The bucket in the first region that gets the layers before and after they are signed
    #[arg(long, value_name = "NAME", requires = "signing_profile")]
    pub(crate) signing_bucket: Option<String>,
    /// The profile of the AWS configuration
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The file that gets the ARNs of all layer versions, as JSON
    #[arg(long, value_name = "FILE", default_value = "layer-versions.json")]
    pub(crate) into: PathBuf,
    /// Print what would be done, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Options::command().debug_assert();
    }
}
