//! `release`: builds all files of a release in one folder, or checks such a folder.

mod agreement;
mod archive;
mod cli;
mod consumers;
mod layers;
mod manifest;
mod npm;
mod template;
mod wheel;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use extension_spec::deployment::Architecture;

use super::build::Architectures;
use crate::support::section::Sections;
use crate::support::workspace;

/// The version of this workspace, which is that of all that a release holds.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Build all files of a release in target/release-VERSION/, with a manifest; or check such a folder.
#[derive(Parser)]
#[command(
    after_help = "The same commit gives the same bytes, but for the files for which the manifest says why not."
)]
pub(crate) struct Options {
    /// Check that a folder holds the files of its manifest, each with its digest, and nothing else.
    #[arg(long, value_name = "FOLDER", exclusive = true)]
    check: Option<PathBuf>,
    /// Print the section of CHANGELOG.md about this version.
    #[arg(long, exclusive = true)]
    notes: bool,
    /// Make only the archive and the wheel of kinesis-telemetry for this machine's operating system and processor.
    #[arg(long, conflicts_with_all = ["arch", "tag"])]
    cli: bool,
    /// A folder of layers, or of archives and wheels, that were built elsewhere and are used as they are; can be repeated.
    #[arg(long, value_name = "FOLDER")]
    made: Vec<PathBuf>,
    /// The tag of the release: v and the version. CHANGELOG.md must have a date for the version, and the commit no changes.
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// The folder to write. What it held before is deleted if it is a release.
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
    /// The architectures for which kinesis-telemetry is built. The layers are always built for both.
    #[command(flatten)]
    architectures: Architectures,
}

impl Options {
    /// Returns true if the command only checks a folder, for which it needs no checkout.
    pub(crate) fn is_check(&self) -> bool {
        self.check.is_some()
    }
}

/// A release in the making.
pub(super) struct Release {
    /// The version, such as 0.1.0.
    version: &'static str,
    /// The commit from which everything is made; none if the checkout has changes.
    commit: Option<String>,
    /// The folder that gets the files.
    folder: PathBuf,
    /// Folders of files that were made elsewhere.
    made: Vec<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if let Some(folder) = &options.check {
        let files = manifest::check(folder)?;
        println!("{files} files match {}", folder.join(manifest::FILE).display());
        return Ok(ExitCode::SUCCESS);
    }
    if options.notes {
        print!("{}", agreement::notes(VERSION)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut sections = Sections::default();
    let done = make(options, &mut sections);
    sections.finish(done)
}

/// Builds a release with the CLI for this architecture only, twice in different folders, and returns its folder. The bytes must
/// be the same.
pub(crate) fn make_twice(architecture: Architecture) -> Result<PathBuf> {
    let target = workspace::target_dir()?;
    let folders = [default_folder()?, target.join("twice").join("release")];
    for folder in &folders {
        let options = ["release", "--arch", architecture.name(), "--into"].map(OsString::from);
        let options = Options::parse_from(options.into_iter().chain([folder.into()]));
        make(&options, &mut Sections::default())?;
    }
    let [folder, other] = folders;
    manifest::compare(&folder, &other)?;
    Ok(folder)
}

fn make(options: &Options, sections: &mut Sections) -> Result<()> {
    let commit = agreement::commit()?;
    agreement::check(VERSION, options.tag.as_deref(), commit.as_deref())?;
    let folder = options.into.clone().map_or_else(default_folder, Ok)?;
    prepare(&folder)?;
    let release = Release { version: VERSION, commit, folder, made: options.made.clone() };
    if options.cli {
        return sections.run("cli", || cli::for_this_machine(&release));
    }
    sections.run("layers", || layers::write(&release))?;
    sections.run("npm", || npm::write(&release))?;
    sections.run("template", || template::write(&release))?;
    sections.run("cli", || cli::write(&release, &options.architectures.selected()))?;
    sections.run("consumers", || consumers::write(&release))?;
    sections.run("manifest", || manifest::write(&release))?;
    let files = manifest::check(&release.folder)?;
    sections.say_last(&format!("{files} files in {}", release.folder.display()));
    Ok(())
}

/// Makes the folder anew. It deletes nothing that is not a release.
fn prepare(folder: &Path) -> Result<()> {
    let unwritable = || format!("{} cannot be written", folder.display());
    let is_empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty {
        // A failed run leaves no manifest, and a folder under `target` was made by this command.
        if !folder.join(manifest::FILE).is_file() && !folder.starts_with(workspace::target_dir()?) {
            bail!(
                "{} holds other files than a release: name a folder that is empty or does not exist",
                folder.display()
            );
        }
        fs::remove_dir_all(folder).with_context(unwritable)?;
    }
    fs::create_dir_all(folder).with_context(unwritable)
}

fn default_folder() -> Result<PathBuf> {
    Ok(workspace::target_dir()?.join(format!("release-{VERSION}")))
}

impl Release {
    /// Writes a file of the release.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))
    }

    /// Copies a file that was built elsewhere. Returns false if no folder has it.
    fn take(&self, name: &str) -> Result<bool> {
        let Some(from) = self.made.iter().map(|it| it.join(name)).find(|it| it.is_file()) else {
            return Ok(false);
        };
        let bytes =
            fs::read(&from).with_context(|| format!("{} cannot be read", from.display()))?;
        println!("{name} is the one in {}", from.parent().unwrap_or(&from).display());
        self.write(name, &bytes)?;
        Ok(true)
    }
}
