//! `package`: makes the zips of the layers and of the completeness function, with checksums and bills of materials, and the zips
//! of the test function.

pub(crate) mod archive;
mod elf;
mod licences;
mod reproducible;
mod sbom;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::Architecture;
use xshell::cmd;

use super::build::Architectures;
use crate::project::pins;
use crate::support::digest::sha256;
use crate::support::lock::locked;
use crate::support::shell::{self, shell};
use crate::support::workspace;
use crate::tools::build;
use crate::tools::build::{CHECKSUMS, COMPLETENESS, LAYERS, TEST_FUNCTION};
use crate::tools::graph::Graph;
use archive::Entry;

/// Build and zip the layers, the completeness function and the test function: target/layers/*.zip, with checksums and SBOMs.
#[derive(Args)]
#[command(
    after_help = "The same source gives the same bytes, wherever and whenever it is packaged."
)]
pub(crate) struct Options {
    #[command(flatten)]
    architectures: Architectures,
    /// Package a second time in another folder and time zone, and compare the bytes.
    #[arg(long)]
    verify: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let architectures = options.architectures.selected();
    package(&architectures)?;
    if options.verify {
        verify_bytes(&architectures)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds what ships, and writes its zips.
pub(crate) fn package(architectures: &[Architecture]) -> Result<()> {
    let target = workspace::target_dir()?;
    // Two commands at once would overwrite each other's programs and files.
    let _one_at_a_time = locked(&target.join(build::LOCK))?;
    let programs = build::programs(EXTENSION_NAME, architectures)?;
    let functions = build::programs(TEST_FUNCTION, architectures)?;
    let is_arm64 = |it: &&Architecture| **it == Architecture::Arm64;
    let arm64: Vec<Architecture> = architectures.iter().filter(is_arm64).copied().collect();
    let completeness = build::programs(COMPLETENESS, &arm64)?;
    let folder = target.join(LAYERS);
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let mut zips = Vec::new();
    for architecture in architectures {
        zips.push(layer(*architecture, &programs[architecture.name()], &target)?);
    }
    for architecture in architectures {
        zips.push(function(*architecture, &functions[architecture.name()], &target)?);
    }
    for program in completeness.values() {
        zips.push(completeness_function(program, &target)?);
    }
    write(&folder.join(CHECKSUMS), checksums(&folder)?.as_bytes())?;
    print!("{}", table(&zips));
    println!("in {}", folder.display());
    let (rustc, pinned) = (build::rust_version()?, pins::RUST.version);
    if !rustc.starts_with(&format!("{pinned} ")) {
        println!(
            "made with Rust {rustc}: what is released is made with {pinned}, and has other bytes"
        );
    }
    Ok(())
}

/// Packages a second time in another folder. The bytes must equal those in `target`.
pub(crate) fn verify_bytes(architectures: &[Architecture]) -> Result<()> {
    reproducible::check(architectures, &workspace::target_dir()?)
}

/// A zip as it was written.
struct Packed {
    name: String,
    program_bytes: usize,
    zip_bytes: usize,
    sha256: String,
    /// The difference from the previous zip, in words.
    change: String,
}

fn layer(architecture: Architecture, program: &Path, target: &Path) -> Result<Packed> {
    let folder = target.join(LAYERS);
    let program = program_for(architecture, program, target)?;
    let notices = notices(EXTENSION_NAME, architecture.target(), target)?;
    // Lambda starts every file of this folder, so it holds nothing else.
    let path = format!("extensions/{EXTENSION_NAME}");
    let entries = [vec![Entry::program(&path, &program)], notices.entries(EXTENSION_NAME)].concat();
    let zip = store(&folder, build::zip(architecture), &program, &entries)?;
    write(&folder.join(build::sbom(architecture)), notices.sbom.as_bytes())?;
    Ok(zip)
}

/// The zip of the completeness function, which is released with the layers.
fn completeness_function(program: &Path, target: &Path) -> Result<Packed> {
    let program = program_for(Architecture::Arm64, program, target)?;
    let notices = notices(COMPLETENESS, Architecture::Arm64.target(), target)?;
    let entries =
        [vec![Entry::program("bootstrap", &program)], notices.entries(COMPLETENESS)].concat();
    store(&target.join(LAYERS), build::completeness_zip(), &program, &entries)
}

/// The documents that ship with a program: the authors and licences of its parts, and the list of its parts.
pub(crate) struct Notices {
    /// The licences of all packages that the program links.
    pub(crate) licences: String,
    /// The notices of Rust's standard library.
    pub(crate) of_rust: String,
    /// The bill of materials.
    pub(crate) sbom: String,
}

/// Returns the documents that ship with the program of a package for a Rust target.
pub(crate) fn notices(package: &str, target: &str, folder: &Path) -> Result<Notices> {
    let graph = Graph::shipped(package, target)?;
    let linked = graph.linked_by(package);
    let zig = if target.ends_with("-musl") { Some(build::zig_libraries(folder)?) } else { None };
    Ok(Notices {
        licences: licences::texts(&linked, zig.as_deref())?,
        of_rust: licences::of_rust(&build::sysroot()?)?,
        sbom: sbom::cyclone_dx(package, &graph, &linked, target)?,
    })
}

impl Notices {
    /// Returns them as files of a zip, where layers have documents.
    fn entries(&self, package: &str) -> Vec<Entry<'_>> {
        let files = [
            ("LICENSES.txt", &self.licences),
            (licences::RUST, &self.of_rust),
            ("sbom.cdx.json", &self.sbom),
        ];
        files
            .map(|(name, text)| Entry::text(&format!("share/{package}/{name}"), text.as_bytes()))
            .into()
    }
}

/// Packs the test function. It is deployed only by the person who built it, so it needs no notices.
fn function(architecture: Architecture, program: &Path, target: &Path) -> Result<Packed> {
    let program = program_for(architecture, program, target)?;
    // The file that an OS-only runtime starts (Lambda Developer Guide, "Building a custom runtime").
    let entries = [Entry::program("bootstrap", &program)];
    store(&target.join(LAYERS), build::function_zip(architecture), &program, &entries)
}

/// Reads a program. Fails if Lambda would not start it.
fn program_for(architecture: Architecture, path: &Path, target: &Path) -> Result<Vec<u8>> {
    let program = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    elf::check(&program, architecture).context("Lambda would not start this program")?;
    if holds(&program, b"PANIC_IN") {
        bail!("{} contains code that is for tests only", path.display());
    }
    for (place, _) in build::places(target)? {
        if holds(&program, place.as_os_str().as_encoded_bytes()) {
            bail!(
                "{} names {}: it would be another program elsewhere",
                path.display(),
                place.display()
            );
        }
    }
    Ok(program)
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Packs, writes and checks a zip.
fn store(folder: &Path, name: String, program: &[u8], entries: &[Entry<'_>]) -> Result<Packed> {
    let zip = archive::zip(entries)?;
    let path = folder.join(&name);
    let sha256 = sha256(&zip);
    let change = change(&path, &zip);
    write(&path, &zip)?;
    verify(&path, entries)?;
    let (program_bytes, zip_bytes) = (program.len(), zip.len());
    Ok(Packed { name, program_bytes, zip_bytes, sha256, change })
}

/// Returns the checksums of the layers and their documents, also those of an earlier run, as `sha256sum` writes them.
fn checksums(folder: &Path) -> Result<String> {
    let unreadable = || format!("{} cannot be read", folder.display());
    let mut sums = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(EXTENSION_NAME) {
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

/// Checks the zip with another program than the one that wrote it, and deletes a bad one.
fn verify(zip: &Path, entries: &[Entry<'_>]) -> Result<()> {
    let (shell, expected) = (shell()?, entries.iter().map(Entry::expected));
    let checked =
        shell::output(cmd!(shell, "python3 xtask/pins/compiler/verify.py {zip} {expected...}"))?;
    if !checked.status.success() {
        _ = fs::remove_file(zip);
        let problems = [checked.stdout, checked.stderr].concat();
        let problems = String::from_utf8_lossy(&problems);
        bail!("Lambda would not accept the zip: {}", problems.trim());
    }
    Ok(())
}

/// Describes the previous zip, if there was one.
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

fn table(zips: &[Packed]) -> String {
    let mut text = format!("{:<52}{:>10}{:>10}  SHA-256\n", "", "program", "zip");
    for Packed { name, program_bytes, zip_bytes, sha256, change } in zips {
        let (program, zip) = (kib(*program_bytes), kib(*zip_bytes));
        text += &format!("{name:<52}{program:>10}{zip:>10}  {}…  {change}\n", &sha256[..12]);
    }
    text
}
