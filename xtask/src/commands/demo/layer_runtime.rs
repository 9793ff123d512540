//! Runs the layer's program in another environment than this machine's, through a script of its name that the sandbox starts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::Architecture;

use crate::tools;
use crate::tools::apt::{self, QEMU_ARM64};
use crate::tools::build;

/// The layer's program, and where it runs: `Own` is the one for this machine; `Arm64` the one for arm64, under an emulator where
/// this machine is no arm64; `Alone` the one for this machine, in a root file system that holds nothing else.
// Documented together, because clap would print the documents of variants in the help.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Own,
    Arm64,
    Alone,
}

impl Layer {
    /// Builds the program, and returns the path to start. `folder` belongs to this run.
    pub(super) fn program(self, folder: &Path) -> Result<PathBuf> {
        let own = build::own_architecture()
            .context("the layer's program runs on Linux only: leave --layer out")?;
        let architecture = if self == Self::Arm64 { Architecture::Arm64 } else { own };
        let built = build::programs(EXTENSION_NAME, &[architecture])?.remove(architecture.name());
        let program = built.context("the extension was not built")?;
        match self {
            Self::Arm64 if own != Architecture::Arm64 => {
                apt::require(&[QEMU_ARM64])?;
                script(folder, &[QEMU_ARM64.name, &program.to_string_lossy()])
            }
            Self::Alone => {
                let root = folder.join("root");
                let text = root.to_string_lossy();
                fs::create_dir_all(&root).with_context(|| format!("{text} cannot be made"))?;
                fs::copy(&program, root.join(EXTENSION_NAME))
                    .with_context(|| format!("{text} cannot be written"))?;
                let words = tools::in_root(&root, &format!("/{EXTENSION_NAME}"));
                script(folder, &words.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Self::Own | Self::Arm64 => Ok(program),
        }
    }
}

/// Writes a script that starts this program. Its name is the one that the extension registers under.
fn script(folder: &Path, command: &[&str]) -> Result<PathBuf> {
    let path = folder.join(EXTENSION_NAME);
    let unwritable = || format!("{} cannot be written", path.display());
    let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
    // Lambda's PATH does not contain `chroot`.
    let text = format!("#!/bin/sh\nPATH=$PATH:/usr/sbin\nexec {}\n", words.join(" "));
    fs::write(&path, text).with_context(unwritable)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).with_context(unwritable)?;
    Ok(path)
}

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_path_of_any_kind_is_one_word_for_a_shell() {
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
    }
}
