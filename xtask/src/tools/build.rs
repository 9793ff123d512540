//! Builds the programs that ship: one static program for each architecture, the same on every machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::{Architecture, COMPLETENESS_FUNCTION};
use xshell::cmd;

use crate::support::digest::sha256;
use crate::support::lock::locked;
use crate::support::process;
use crate::support::shell::{self, shell};
use crate::support::workspace;
use crate::tools::Tool;
use crate::tools::auditable;
use crate::tools::link;
use crate::tools::python;

/// The folder under `target` that gets the layer zips, with their bills of materials and checksums.
pub(crate) const LAYERS: &str = "layers";
/// The file with the checksums, as `sha256sum --check` reads it.
pub(crate) const CHECKSUMS: &str = "SHA256SUMS";

/// The lock file, under `target`, of a command that builds and uses what ships. No other command may build it differently
/// meanwhile.
pub(crate) const LOCK: &str = "layers.lock";

/// The package of the test function, which is deployed with the layer.
pub(crate) const TEST_FUNCTION: &str = "test-function";
/// The package of the function that checks a stream for missing events.
pub(crate) const COMPLETENESS: &str = "completeness-function";
/// The program that measures the overhead of an extension.
pub(crate) const BENCH: &str = "xtask-bench";
/// The program that publishes layers to AWS.
pub(crate) const PUBLISH: &str = "xtask-publish";
/// The program that compares Lambda with the sandbox.
pub(crate) const VERIFY: &str = "xtask-verify";

/// Name of the zip of a layer.
pub(crate) fn zip(architecture: Architecture) -> String {
    format!("{}.zip", architecture.layer())
}

/// Name of the zip of the test function.
pub(crate) fn function_zip(architecture: Architecture) -> String {
    format!("{TEST_FUNCTION}-{}.zip", architecture.name())
}

/// Name of the zip of the function that checks a stream for missing events.
pub(crate) fn completeness_zip() -> String {
    format!("{COMPLETENESS_FUNCTION}.zip")
}

/// Name of a layer's bill of materials.
pub(crate) fn sbom(architecture: Architecture) -> String {
    format!("{}.cdx.json", architecture.layer())
}

/// The operator's program.
pub(crate) const CLI: &str = "kinesis-telemetry";

/// Returns the profile in `Cargo.toml` of a package that ships: for a layer, small size and a fast start; for the CLI, a fast
/// build.
fn profile(package: &str) -> &'static str {
    if package == CLI { "cli" } else { "layer" }
}

/// Arguments that link the program with Rust's linker, and with Rust's own musl and libunwind. It is not position independent,
/// so a start need not relocate tables of pointers.
const LINKED: [&str; 3] =
    ["-Clinker-flavor=ld.lld", "-Clink-self-contained=yes", "-Crelocation-model=static"];

/// Zstandard's compressors for its higher levels. They are most of its code, and the extension does not use them
/// (`extension/src/pack/compress.rs`).
const ZSTD_WITHOUT: [&str; 7] = ["DFAST", "GREEDY", "LAZY", "LAZY2", "BTLAZY2", "BTOPT", "BTULTRA"];

/// Returns the architecture of this machine, if it runs Linux programs.
pub(crate) fn own_architecture() -> Option<Architecture> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some(Architecture::X86_64),
        ("linux", "aarch64") => Some(Architecture::Arm64),
        _ => None,
    }
}

/// Builds a package, and returns its program for each architecture, by the architecture's name. Packages are built one at a time,
/// because together each would get the features that the others require.
pub(crate) fn programs(
    package: &str,
    architectures: &[Architecture],
) -> Result<BTreeMap<&'static str, PathBuf>> {
    programs_of(package, package, architectures)
}

/// Builds the program of this name, of a package that has several; returns it for each architecture, by the architecture's name.
pub(crate) fn programs_of(
    package: &str,
    name: &str,
    architectures: &[Architecture],
) -> Result<BTreeMap<&'static str, PathBuf>> {
    let target = workspace::target_dir()?;
    let mut programs = BTreeMap::new();
    for architecture in architectures {
        build(package, name, "", *architecture, &target)?;
        programs.insert(architecture.name(), program(&target, name, *architecture));
    }
    Ok(programs)
}

/// Builds the extension as it ships, but with panics that can be injected. Returns the program for this architecture.
pub(crate) fn with_injected_panics(architecture: Architecture) -> Result<PathBuf> {
    let target = workspace::target_dir()?;
    let _one_at_a_time = locked(&target.join(LOCK))?;
    build(EXTENSION_NAME, EXTENSION_NAME, "injected-panics", architecture, &target)?;
    let folder = target.join("injected-panics");
    let copy = folder.join(EXTENSION_NAME);
    let uncopied = || format!("{} cannot be written", copy.display());
    fs::create_dir_all(&folder).with_context(uncopied)?;
    fs::copy(program(&target, EXTENSION_NAME, architecture), &copy).with_context(uncopied)?;
    // Afterwards the program at its usual place is the one that ships.
    build(EXTENSION_NAME, EXTENSION_NAME, "", architecture, &target)?;
    Ok(copy)
}

/// Returns where a package's program lies once it is built, with the list of its dependencies. `target` is cargo's folder.
pub(crate) fn program(target: &Path, package: &str, architecture: Architecture) -> PathBuf {
    built(target, package, architecture).join("auditable").join(package)
}

/// Returns the folder into which cargo builds a package's program.
fn built(target: &Path, package: &str, architecture: Architecture) -> PathBuf {
    target.join(architecture.target()).join(profile(package))
}

/// Returns the program of a package's first link, which has symbols and no order. `target` is cargo's folder.
pub(crate) fn first_link(target: &Path, package: &str, architecture: Architecture) -> PathBuf {
    first_links(target, package, architecture).join(package)
}

fn first_links(target: &Path, package: &str, architecture: Architecture) -> PathBuf {
    built(target, package, architecture).join("first-link")
}

/// The folder with the sources of the C compiler's libraries.
pub(crate) fn zig_libraries(target: &Path) -> Result<PathBuf> {
    let packages = compiler(target)?.join("lib");
    let versions = fs::read_dir(&packages)
        .with_context(|| format!("{} cannot be read", packages.display()))?;
    let mut folders =
        versions.filter_map(Result::ok).map(|it| it.path().join("site-packages/ziglang/lib"));
    folders.find(|it| it.is_dir()).context("ziglang has no library folder")
}

/// Returns the folder in which Rust is installed.
pub(crate) fn sysroot() -> Result<PathBuf> {
    rustc(&["--print", "sysroot"]).map(PathBuf::from).context("rustc does not say where it is")
}

/// The version of Rust's compiler, with its commit.
pub(crate) fn rust_version() -> Result<String> {
    let version = rustc(&["--version"]).context("rustc does not say which version it is")?;
    Ok(version.trim_start_matches("rustc ").to_owned())
}

/// Returns what the compiler of this workspace prints.
fn rustc(arguments: &[&str]) -> Result<String> {
    let shell = shell()?;
    shell::read(cmd!(shell, "rustc {arguments...}"))
}

/// Installs the C compiler, which is Zig's, and the program that makes cargo use it.
fn compiler(target: &Path) -> Result<PathBuf> {
    Tool::Python.require()?;
    let dir = target.join("compiler");
    python::environment(&dir, &workspace::root().join("xtask/pins/compiler/requirements.txt"))?;
    Ok(dir)
}

/// Rust's own library for this target, which rustup installs.
fn add_target(target: &str) -> Result<()> {
    let is_there = || {
        let libraries = rustc(&["--print", "target-libdir", "--target", target]);
        libraries.is_ok_and(|libraries| Path::new(&libraries).is_dir())
    };
    if is_there() {
        return Ok(());
    }
    // rustup's folder belongs to all checkouts, and rustup fails where two of them add a target at a time.
    let _one_at_a_time = locked(&home("RUSTUP_HOME", ".rustup")?.join("xtask.lock"))?;
    if is_there() {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", target]).current_dir(workspace::root());
    process::run("rustup target add", &mut rustup)
        .with_context(|| format!("Rust cannot build for {target} here; install it with rustup"))
}

/// Returns Rust's own linker. It takes an order of symbols; the C compiler's does not.
fn linker() -> Result<PathBuf> {
    of_rust("rust-lld")
}

/// Returns Rust's own objcopy, which copies programs and adds sections to them.
pub(super) fn objcopy() -> Result<PathBuf> {
    of_rust("rust-objcopy")
}

/// Returns a program that Rust's distribution brings for its own use.
fn of_rust(name: &str) -> Result<PathBuf> {
    let libraries =
        rustc(&["--print", "target-libdir"]).context("rustc does not say where it is")?;
    let program = Path::new(&libraries).with_file_name("bin").join(name);
    if !program.is_file() {
        bail!("Rust has no {}: install Rust with rustup", program.display());
    }
    Ok(program)
}

fn build(
    package: &str,
    name: &str,
    features: &str,
    architecture: Architecture,
    target: &Path,
) -> Result<()> {
    let compiler = compiler(target)?;
    add_target(architecture.target())?;
    let list = workspace::root().join(link::LIST);
    let mut cargo = workspace::cargo_with(compiler.join("bin/cargo-zigbuild"));
    cargo.args([
        "rustc",
        "--locked",
        "--profile",
        profile(package),
        "--package",
        package,
        "--bin",
        name,
    ]);
    cargo.args(["--target", architecture.target(), "--features", features]);
    // Passed to cargo and not to rustc, because the path of this program must not affect what is built. It does not use
    // `current_exe`, because cargo may have replaced the file since, as `cargo test` within `cargo xtask ci` does.
    let this = std::env::args_os().next().context("the path of this program is unknown")?;
    let this = std::path::absolute(this).context("the path of this program is unknown")?;
    cargo.arg(format!("--config=target.{}.linker={:?}", architecture.target(), this.display()));
    cargo.arg("--").args(LINKED).arg(format!("--cfg=function_order={:?}", digest(&list)?));
    let first_link = first_links(target, package, architecture).join(features).join(name);
    link::prepare(&mut cargo, &linker()?, &list, &first_link);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = [compiler.join("bin")].into_iter().chain(std::env::split_paths(&path));
    // Variables that a developer has set for other builds must not influence what ships.
    for (name, _) in std::env::vars_os() {
        if is_of_builds(&name.to_string_lossy()) {
            cargo.env_remove(name);
        }
    }
    cargo
        .env("PATH", std::env::join_paths(paths).context("the PATH cannot be read")?)
        .env("CARGO_ENCODED_RUSTFLAGS", rust_flags(target)?)
        .env(
            "CFLAGS",
            ZSTD_WITHOUT.map(|it| format!("-DZSTD_EXCLUDE_{it}_BLOCK_COMPRESSOR")).join(" "),
        )
        // Otherwise it looks for any zig on the PATH.
        .env("CARGO_ZIGBUILD_PYTHON_PATH", compiler.join("bin/python3"))
        .env("CARGO_ZIGBUILD_CACHE_DIR", target.join("zig/wrappers"))
        .env("ZIG_GLOBAL_CACHE_DIR", target.join("zig/global"))
        .env("ZIG_LOCAL_CACHE_DIR", target.join("zig/local"));
    process::run("cargo-zigbuild", &mut cargo)
        .with_context(|| format!("{package} does not build for {}", architecture.name()))?;
    let (from, to) = (built(target, package, architecture), program(target, name, architecture));
    auditable::add(package, architecture.target(), &objcopy()?, &from.join(name), &to)
}

/// The digest of the list of functions, so that cargo links again when the list changes.
fn digest(list: &Path) -> Result<String> {
    let text = fs::read(list).with_context(|| format!("{} cannot be read", list.display()))?;
    Ok(sha256(&text))
}

/// Returns true if a variable changes the output of compilers.
fn is_of_builds(name: &str) -> bool {
    const NAMES: [&str; 6] = ["RUSTFLAGS", "CC", "CXX", "AR", "CFLAGS", "CXXFLAGS"];
    const BEGINNINGS: [&str; 12] = [
        "CC_",
        "CXX_",
        "AR_",
        "RANLIB",
        "CFLAGS_",
        "CXXFLAGS_",
        "TARGET_C",
        "HOST_C",
        "CARGO_TARGET_",
        "CARGO_PROFILE_",
        "CARGO_ZIGBUILD_",
        "CARGO_BUILD_",
    ];
    // The build folder must not affect what is built.
    let is_place =
        matches!(name, "CARGO_TARGET_DIR" | "CARGO_BUILD_TARGET_DIR" | "CARGO_BUILD_JOBS");
    !is_place && (NAMES.contains(&name) || BEGINNINGS.iter().any(|it| name.starts_with(it)))
}

/// Keeps paths of this machine out of the program. They would reveal the user's name, and the program would differ between
/// machines.
fn rust_flags(target: &Path) -> Result<String> {
    let flags = places(target)?;
    let flags = flags.map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
    Ok(flags.join("\u{1f}"))
}

/// Returns the folder that this variable names, or else the one of this name in the home folder.
fn home(variable: &str, name: &str) -> Result<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    let folder = folder.or_else(|| Some(std::env::home_dir()?.join(name)));
    folder.with_context(|| format!("there is no home folder, and no {variable}"))
}

/// Returns the source folders of a build, and the names that replace them in the program.
pub(crate) fn places(target: &Path) -> Result<[(PathBuf, &'static str); 4]> {
    Ok([
        // The last match takes precedence, and the target folder may be within the first folder.
        (workspace::root().to_owned(), "/source"),
        (target.to_owned(), "/target"),
        (home("CARGO_HOME", ".cargo")?, "/cargo"),
        (sysroot()?, "/rust"),
    ])
}

#[cfg(test)]
mod tests {
    use super::is_of_builds;

    #[test]
    fn what_somebody_has_set_for_their_own_builds_does_not_get_into_what_ships() {
        for name in [
            "RUSTFLAGS",
            "CC",
            "CC_aarch64_unknown_linux_musl",
            "CARGO_PROFILE_LAYER_LTO",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER",
            "CARGO_BUILD_TARGET",
            "CARGO_ZIGBUILD_ZIG_PATH",
        ] {
            assert!(is_of_builds(name), "{name}");
        }
        for name in
            ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_HTTP_CAINFO", "PATH", "CI", "CCACHE_DIR"]
        {
            assert!(!is_of_builds(name), "{name}");
        }
    }
}
