//! Writes the list of a program's dependencies into the program, in the form that `cargo audit bin`, Trivy and Syft read.
//!
//! `cargo auditable` does the same while it builds, by a wrapper of the compiler, which conflicts with the linker that puts
//! functions in order. A section that is added afterwards moves nothing, because it is not loaded.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use auditable_serde::{DependencyKind, Package, Source, VersionInfo};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use semver::Version;
use xshell::cmd;

use crate::support::shell::{self, shell};
use crate::tools::graph::{self, Graph};

/// The section that holds the list (the format of `cargo auditable`: JSON, compressed with zlib).
const SECTION: &str = ".dep-v0";

/// Copies the program `from` to `to` and adds the list of what `package` links for `target`. `objcopy` is Rust's own.
pub(super) fn add(
    package: &str,
    target: &str,
    objcopy: &Path,
    from: &Path,
    to: &Path,
) -> Result<()> {
    let unwritable = || format!("{} cannot be written", to.display());
    fs::create_dir_all(to.parent().context("a file has a folder")?).with_context(unwritable)?;
    let list = to.with_extension("dependencies");
    fs::write(&list, compressed(&dependencies(package, target)?)?).with_context(unwritable)?;
    let (shell, section) = (shell()?, format!("{SECTION}={}", list.display()));
    // rust-objcopy does not know where Rust's LLVM is; cargo sets the same for programs that it runs.
    let libraries = objcopy.ancestors().nth(4).context("rust-objcopy is in Rust's folder")?;
    let add = cmd!(shell, "{objcopy} --add-section {section} {from} {to}");
    let added = shell::output(add.env("LD_LIBRARY_PATH", libraries))?;
    if !added.status.success() {
        let complaint = String::from_utf8_lossy(&added.stderr).into_owned();
        bail!("rust-objcopy cannot add {SECTION} to {}: {}", from.display(), complaint.trim());
    }
    Ok(())
}

/// Lists what the program of `package` links, the program itself as the root.
fn dependencies(package: &str, target: &str) -> Result<VersionInfo> {
    let graph = Graph::shipped(package, target)?;
    let mut linked = graph.linked_by(package);
    linked.sort_by_key(|it| (&it.name, &it.version));
    let ids = linked.iter().enumerate().map(|(index, it)| (it.id.as_str(), index));
    let indices: BTreeMap<&str, usize> = ids.collect();
    let packages = linked.iter().map(|it| {
        let on = graph.linked_directly(it).into_iter();
        let on = on.filter_map(|it| indices.get(it.id.as_str()).copied());
        let mut dependencies: Vec<usize> = on.collect();
        dependencies.sort_unstable();
        dependencies.dedup();
        Ok(Package {
            name: it.name.clone(),
            version: Version::parse(&it.version)
                .with_context(|| format!("{it} has no semantic version"))?,
            source: source(it),
            kind: DependencyKind::Runtime,
            dependencies,
            root: it.name == package && it.source.is_none(),
        })
    });
    Ok(VersionInfo { packages: packages.collect::<Result<_>>()?, format: 1 })
}

fn source(package: &graph::Package) -> Source {
    match package.source.as_deref() {
        None => Source::Local,
        Some(source) if source.starts_with("git+") => Source::Git,
        // A registry that stands in for crates.io does not appear in the metadata.
        Some(source) if source.contains("crates.io-index") => Source::CratesIo,
        Some(_) => Source::Registry,
    }
}

fn compressed(list: &VersionInfo) -> Result<Vec<u8>> {
    let mut writer = ZlibEncoder::new(Vec::new(), Compression::best());
    writer.write_all(&serde_json::to_vec(list)?)?;
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use auditable_info::{Limits, audit_info_from_file};
    use extension_spec::EXTENSION_NAME;
    use extension_spec::deployment::Architecture;

    use super::add;
    use crate::tools::build;

    #[test]
    fn an_auditor_reads_the_dependencies_of_a_program() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("deeper").join("program");
        let from = Path::new("/proc/self/exe").canonicalize().unwrap();
        let objcopy = build::objcopy().unwrap();
        add(EXTENSION_NAME, Architecture::Arm64.target(), &objcopy, &from, &to).unwrap();
        let list = audit_info_from_file(&to, Limits::default()).unwrap();
        let root: Vec<&str> =
            list.packages.iter().filter(|it| it.root).map(|it| it.name.as_str()).collect();
        assert_eq!(root, [EXTENSION_NAME]);
        let has = |name: &str| list.packages.iter().any(|it| it.name == name);
        assert!(has("ring") && has("tokio") && !has("proptest") && !has("syn"));
    }
}
