//! Collects the licences of everything that is in the program, as their terms require.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::support::workspace;
use crate::tools::graph::Package;

/// Prefixes of the names of files with a licence, or with notices that it requires to be passed on.
const NAMES: [&str; 5] = ["licen", "copying", "copyright", "notice", "unlicense"];
/// Packages without a licence text, each with a file of this repository that has the text: a copy from their repository, or the
/// Apache License 2.0, under which they are.
const COPIES: [(&str, &str); 5] = [
    ("base64-simd", SIMD),
    ("vsimd", SIMD),
    ("http-serde", APACHE),
    ("lambda_runtime", APACHE),
    ("lambda_runtime_api_client", APACHE),
];
const SIMD: &str = "xtask/pins/compiler/licences/simd.txt";
const APACHE: &str = "LICENSE";
/// Libraries that Rust links into a static program and passes on without their licences, and the file of the C compiler that
/// holds the licence of the same library.
const LINKED: [(&str, &str); 2] =
    [("musl libc", "libc/musl/COPYRIGHT"), ("LLVM libunwind", "libunwind/LICENSE.TXT")];

/// Lists the licence of each package, and below them each text once. `zig` is the library folder of the C compiler, for a static
/// program.
pub(super) fn texts(linked: &[&Package], zig: Option<&Path>) -> Result<String> {
    let mut list = String::new();
    // A text, and the packages that it came with.
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in linked {
        let licence = package.license.as_deref().unwrap_or("see below");
        list += &format!("{package}: {licence}\n");
        for text in of(package)? {
            texts.entry(text).or_default().push(package.to_string());
        }
    }
    for (name, file, zig) in
        LINKED.iter().filter_map(|(name, file)| zig.map(|zig| (*name, *file, zig)))
    {
        list += &format!("{name}: see below\n");
        texts.entry(read(&zig.join(file))?).or_default().push(name.to_owned());
    }
    let mut document = format!("{list}Rust's standard library: see {RUST}\n");
    for (text, packages) in texts {
        document += &format!("\n{}\n{}\n\n{text}\n", "-".repeat(100), packages.join(", "));
    }
    Ok(document)
}

/// The notices of Rust's standard library, and of all that is in it, are a document of their own.
pub(super) const RUST: &str = "rust-standard-library.html";

/// The text of that document. `sysroot` is where Rust is installed.
pub(super) fn of_rust(sysroot: &Path) -> Result<String> {
    read(&sysroot.join("share/doc/rust/COPYRIGHT-library.html")).context(
        "a layer passes on the notices of Rust's standard library: install Rust with rustup",
    )
}

fn of(package: &Package) -> Result<Vec<String>> {
    let folder = Path::new(&package.manifest_path).parent().context("a package has a folder")?;
    let copies = COPIES.iter().filter(|(name, _)| *name == package.name);
    let copy = |file: &str| workspace::root().join(file);
    let mut files: Vec<PathBuf> = copies.map(|(_, file)| copy(file)).collect();
    if package.source.is_some() {
        find(folder, &mut files)?;
    } else {
        files.push(workspace::root().join("LICENSE"));
    }
    if files.is_empty() {
        bail!(
            "{package} holds no licence text: put a copy into xtask/pins/compiler/licences, and name it in COPIES"
        );
    }
    let mut texts = files.iter().map(|file| read(file)).collect::<Result<Vec<_>>>()?;
    // The order in which a folder lists its files is arbitrary.
    texts.sort();
    texts.dedup();
    Ok(texts)
}

/// Returns the files with such names, including inner folders, which hold code that the package has copied from others.
fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = || format!("{} cannot be read", folder.display());
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let is_code = [".rs", ".c", ".h", ".py", ".sh"].iter().any(|end| name.ends_with(end));
        if entry.path().is_dir() {
            find(&entry.path(), files)?;
        } else if NAMES.iter().any(|it| name.starts_with(it)) && !is_code {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    let text = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(String::from_utf8_lossy(&text).replace("\r\n", "\n").trim().to_owned())
}
