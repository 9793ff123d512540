//! The licences of everything that is in the program, as their terms ask for.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::dependencies::graph::Package;

/// Beginnings of the names of files that hold a licence, or what it wants to have passed on.
const NAMES: [&str; 5] = ["licen", "copying", "copyright", "notice", "unlicense"];
/// What is in the program and no package of cargo's.
const OTHERS: &str = "\
Rust's standard library: MIT OR Apache-2.0, Copyright (c) The Rust Project Contributors
musl libc: MIT, Copyright (c) 2005-2020 Rich Felker, et al.
";

/// Who is under which licence, and below each text once.
pub(super) fn texts(linked: &[&Package]) -> Result<String> {
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
    let mut document = format!("{list}{OTHERS}");
    for (text, packages) in texts {
        document += &format!("\n{}\n{}\n\n{text}\n", "-".repeat(100), packages.join(", "));
    }
    Ok(document)
}

fn of(package: &Package) -> Result<Vec<String>> {
    let folder = Path::new(&package.manifest_path).parent().context("a package has a folder")?;
    let entries =
        fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut texts = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("{} cannot be read", folder.display()))?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if NAMES.iter().any(|it| name.starts_with(it)) && entry.path().is_file() {
            let text = fs::read(entry.path())
                .with_context(|| format!("{name} of {package} cannot be read"))?;
            texts.push(String::from_utf8_lossy(&text).replace("\r\n", "\n").trim().to_owned());
        }
    }
    // The order in which a folder lists its files is nobody's.
    texts.sort();
    Ok(texts)
}
