//! Packages a second time with other folders, another time zone and other default file modes. The bytes must be the same.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use extension_spec::deployment::Architecture;
use xshell::cmd;

use crate::support::digest::sha256;
use crate::support::process;
use crate::support::shell::{self, shell};
use crate::support::workspace;
use crate::tools::build::{self, LAYERS};

/// Fails with the zips that differ from those in `target`.
pub(super) fn check(architectures: &[Architecture], target: &Path) -> Result<()> {
    let copy = target.join("twice").join("another-place");
    copy_source(&copy)?;
    // Tools that are installed, not built, need not be installed twice.
    let compiler = copy.join("target/compiler");
    if compiler.symlink_metadata().is_err() {
        symlink(target.join("compiler"), &compiler)
            .with_context(|| format!("{} cannot be made", compiler.display()))?;
    }
    for architecture in architectures {
        let mut package = Command::new("sh");
        package.args(["-c", "umask 077; exec \"$@\"", "sh"]);
        package.arg(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        package.args(["xtask", "package", "--arch", architecture.name()]);
        package.current_dir(&copy).env("TZ", "Pacific/Kiritimati").env_remove("CARGO_TARGET_DIR");
        workspace::forget_outer_cargo(&mut package);
        process::run("the second packaging", &mut package)?;
    }
    let zips = |it: &Architecture| {
        let completeness = (*it == Architecture::Arm64).then(build::completeness_zip);
        [build::zip(*it), build::function_zip(*it)].into_iter().chain(completeness)
    };
    let names = architectures.iter().flat_map(zips);
    let read = |folder: &Path, name: &str| {
        let path = folder.join(LAYERS).join(name);
        fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))
    };
    for name in names {
        let (here, there) = (read(target, &name)?, read(&copy.join("target"), &name)?);
        if here != there {
            bail!(
                "{name} is another one when it is made elsewhere: {} and {}, compare {}",
                sha256(&here),
                sha256(&there),
                copy.join("target").join(LAYERS).display()
            );
        }
        println!("{name} is the same when it is made elsewhere");
    }
    Ok(())
}

/// Copies the files that git has, as they are here. Results of an earlier copy's build stay, so that the next build is
/// quick.
fn copy_source(copy: &Path) -> Result<()> {
    let shell = shell()?;
    let names = shell::read(cmd!(shell, "git ls-files -z --cached --others --exclude-standard"))?;
    fs::create_dir_all(copy.join("target"))?;
    for name in names.split_terminator('\0') {
        let (from, to) = (workspace::root().join(name), copy.join(name));
        let uncopied = || format!("{} cannot be copied", from.display());
        // A file that git still has may have been deleted.
        let Ok(text) = fs::read(&from) else { continue };
        // Equal files keep their modification time, so cargo does not rebuild.
        if fs::read(&to).is_ok_and(|there| there == text) {
            continue;
        }
        fs::create_dir_all(to.parent().map_or_else(PathBuf::new, Path::to_owned))
            .with_context(uncopied)?;
        _ = fs::remove_file(&to);
        fs::write(&to, text).with_context(uncopied)?;
    }
    Ok(())
}
