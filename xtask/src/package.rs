//! `package`: the layer zips, with their checksums and bills of materials.

mod archive;
mod elf;
mod licences;
mod sbom;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::Architecture;
use sha2::{Digest, Sha256};

use crate::build::{CHECKSUMS, LAYERS};
use crate::dependencies::graph::Graph;
use crate::npm;
use crate::project::pins;
use crate::{build, process, workspace};
use archive::Entry;

pub(crate) fn run(architectures: &[Architecture]) -> Result<ExitCode> {
    let target = workspace::target_dir()?;
    // Two at once would take each other's programs and files.
    let _one_at_a_time = npm::locked(&target.join("layers.lock"))?;
    let programs = build::programs(architectures)?;
    let folder = target.join(LAYERS);
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let mut layers = Vec::new();
    for architecture in architectures {
        layers.push(layer(*architecture, &programs[architecture.name()], &target)?);
    }
    write(&folder.join(CHECKSUMS), checksums(&folder)?.as_bytes())?;
    print!("{}", table(&layers));
    println!("in {}", folder.display());
    let (rustc, pinned) = (build::rust_version()?, pins::RUST.version);
    if !rustc.starts_with(&format!("{pinned} ")) {
        println!(
            "made with Rust {rustc}: what is released is made with {pinned}, and has other bytes"
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// A zip as it was written.
struct Layer {
    name: String,
    program_bytes: usize,
    zip_bytes: usize,
    sha256: String,
    /// In words: against the one that was there.
    change: String,
}

fn layer(architecture: Architecture, program: &Path, target: &Path) -> Result<Layer> {
    let folder = target.join(LAYERS);
    let program =
        fs::read(program).with_context(|| format!("{} cannot be read", program.display()))?;
    elf::check(&program, architecture).context("Lambda would not start this program")?;
    let graph = Graph::shipped(EXTENSION_NAME, architecture.target())?;
    let linked = graph.linked_by(EXTENSION_NAME);
    let sbom = sbom::cyclone_dx(&graph, &linked, architecture)?;
    let share = format!("share/{EXTENSION_NAME}");
    let licences = licences::texts(&linked, &build::zig_libraries(target)?)?;
    let of_rust = licences::of_rust(&build::sysroot()?)?;
    let entries = [
        // Whatever lies in this folder is started: it holds nothing else.
        Entry::program(&format!("extensions/{EXTENSION_NAME}"), &program),
        Entry::text(&format!("{share}/LICENSES.txt"), licences.as_bytes()),
        Entry::text(&format!("{share}/{}", licences::RUST), of_rust.as_bytes()),
        Entry::text(&format!("{share}/sbom.cdx.json"), sbom.as_bytes()),
    ];
    let zip = archive::zip(&entries)?;
    let name = build::zip(architecture);
    let path = folder.join(&name);
    let sha256 = sha256(&zip);
    let change = change(&path, &zip);
    write(&path, &zip)?;
    verify(&path, &entries)?;
    write(&folder.join(build::sbom(architecture)), sbom.as_bytes())?;
    let (program_bytes, zip_bytes) = (program.len(), zip.len());
    Ok(Layer { name, program_bytes, zip_bytes, sha256, change })
}

/// Of everything in the folder, those of an earlier run too, as `sha256sum` writes them.
fn checksums(folder: &Path) -> Result<String> {
    let unreadable = || format!("{} cannot be read", folder.display());
    let mut sums = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name != CHECKSUMS {
            let bytes = fs::read(&path).with_context(|| format!("{name} cannot be read"))?;
            sums.push((name, sha256(&bytes)));
        }
    }
    sums.sort();
    Ok(sums
        .into_iter()
        .map(|(name, sum)| [sum, "  ".to_owned(), name, "\n".to_owned()].concat())
        .collect())
}

/// Has the zip read by another program than the one that wrote it. What is not as it should be does not stay.
fn verify(zip: &Path, entries: &[Entry<'_>]) -> Result<()> {
    let mut python = Command::new("python3");
    python.arg(workspace::root().join("xtask/compiler/verify.py")).arg(zip);
    python.args(entries.iter().map(Entry::expected));
    let (exit, problems) = process::output("python3", &mut python)?;
    if !exit.success() {
        _ = fs::remove_file(zip);
        bail!("the zip is not one that Lambda takes: {}", problems.trim());
    }
    Ok(())
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Two digits a byte.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// What there was before, if there was.
fn change(path: &Path, zip: &[u8]) -> String {
    match fs::read(path) {
        Err(_) => "new".to_owned(),
        Ok(before) if before == zip => "as before".to_owned(),
        Ok(before) => format!("before: {}, {}", kib(before.len()), &sha256(&before)[..12]),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

fn kib(bytes: usize) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}

fn table(layers: &[Layer]) -> String {
    let mut text = format!("{:<46}{:>10}{:>10}  SHA-256\n", "layer", "program", "zip");
    for Layer { name, program_bytes, zip_bytes, sha256, change } in layers {
        let (program, zip) = (kib(*program_bytes), kib(*zip_bytes));
        text += &format!("{name:<46}{program:>10}{zip:>10}  {}…  {change}\n", &sha256[..12]);
    }
    text
}
