//! Links what ships with Rust's own linker, called twice, so that functions are in the order in which they first run.
//!
//! rustc calls this program as its linker. The first link finds the symbols; the second puts those first whose names are in the
//! list. docs/function-order.md says why, and what to do when names are missing.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

/// The list of names, from the root of the checkout.
pub(crate) const LIST: &str = "extension/function-order.txt";
/// Variables by which a build states the paths of the linker, of the list and of the first link.
const VARIABLES: [&str; 3] = ["XTASK_LINKER", "XTASK_LINK_LIST", "XTASK_FIRST_LINK"];
/// rustc's first argument to a linker of LLVM's.
const FLAVOR: &str = "-flavor";
/// The suffix of the linker's map of the first link.
const MAP: &str = "map";
/// The symbols of the first link whose names are in the list.
const ORDER: &str = "order";

/// Passes what a build's linker, which is this program, needs. The program of the first link is kept.
pub(crate) fn prepare(cargo: &mut Command, linker: &Path, list: &Path, first_link: &Path) {
    for (name, value) in VARIABLES.into_iter().zip([linker, list, first_link]) {
        cargo.env(name, value);
    }
}

/// Returns true if rustc calls this process as its linker.
pub(crate) fn is_called() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == FLAVOR)
}

/// Links as rustc asks for, in the order of the list.
pub(crate) fn link() -> Result<ExitCode> {
    let [Some(linker), Some(list), Some(program)] = VARIABLES.map(std::env::var_os) else {
        bail!("{} are not set: cargo xtask build does so", VARIABLES.join(", "));
    };
    let program = PathBuf::from(program);
    let folder = program.parent().context("the first link has no folder")?;
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let [map, order] = [MAP, ORDER].map(|ending| program.with_extension(ending));
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();

    let mut first = Command::new(&linker);
    first.args(arguments.iter().filter(|it| *it != "--strip-all"));
    first.arg("-o").arg(&program).arg("--no-demangle").arg(option("-Map=", &map));
    succeed(&mut first)?;

    let (list, text) = (read(Path::new(&list))?, read(&map)?);
    let symbols = resolve(&names(&list).collect::<Vec<_>>(), symbols(&text));
    fs::write(&order, symbols.join("\n") + "\n")
        .with_context(|| format!("{} cannot be written", order.display()))?;

    let mut second = Command::new(&linker);
    second.args(&arguments).arg(option("--symbol-ordering-file=", &order));
    // Some symbols of the list share a section. Rust promises no function an address of its own, so equal ones become one.
    second.args(["--no-warn-symbol-ordering", "--icf=all"]);
    succeed(&mut second)?;
    Ok(ExitCode::SUCCESS)
}

/// The number of names of the list that a link has found.
pub(crate) struct Share {
    pub(crate) found: usize,
    pub(crate) listed: usize,
}

impl Share {
    /// Reads the share of this first link.
    pub(crate) fn read(list: &Path, first_link: &Path) -> Result<Self> {
        let (list, order) = (read(list)?, read(&first_link.with_extension(ORDER))?);
        let listed: BTreeSet<&str> = names(&list).collect();
        let found: HashSet<String> = order.lines().map(name).collect();
        let found = listed.iter().filter(|it| found.contains(**it)).count();
        Ok(Self { found, listed: listed.len() })
    }

    pub(crate) fn percent(&self) -> usize {
        self.found * 100 / self.listed.max(1)
    }
}

/// Returns the name of a symbol as the list has it: without the hashes, which differ from build to build.
pub(crate) fn name(symbol: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(symbol))
}

/// Returns the names in the text of a list.
pub(crate) fn names(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Returns every word that may be a symbol in the linker's map: the last word of each line. Files and sections among them do
/// no harm, because the list does not name them.
fn symbols(map: &str) -> impl Iterator<Item = &str> {
    map.lines().filter_map(|line| line.split_whitespace().next_back())
}

/// Returns the symbols with these names, in the order of the names: all instances of a generic function together.
fn resolve<'a>(names: &[&str], symbols: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let places: HashMap<&str, usize> =
        names.iter().enumerate().map(|(place, name)| (*name, place)).collect();
    let found: BTreeSet<(usize, &str)> =
        symbols.filter_map(|it| Some((*places.get(name(it).as_str())?, it))).collect();
    found.into_iter().map(|(_, symbol)| symbol).collect()
}

fn option(name: &str, value: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(value);
    option
}

fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_owned();
    let exit = command.status().with_context(|| format!("{} does not start", program.display()))?;
    if !exit.success() {
        bail!("{} ends with {exit}", program.display());
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{name, names, resolve, symbols};

    const MAP: &str = "\
             VMA              LMA     Size Align Out     In      Symbol
          346400           346400       5a     1         /t/a.o:(.text._ZN1a4late17h0000000000000001E)
          346400           346400       5a     1                 _ZN1a4late17h0000000000000001E
          346460           346460       5a     1                 memcpy
          3464c0           3464c0       5a     1                 _ZN1a5early17h0000000000000003E
          346520           346520       5a     1                 _ZN1a5early17h0000000000000002E
";

    #[test]
    fn a_name_has_no_hash_in_either_mangling() {
        assert_eq!(name("_ZN1a4main17h0123456789abcdefE"), "a::main");
        assert_eq!(name("_RNvCs1234_7mycrate3foo"), "mycrate::foo");
        assert_eq!(name("memcpy"), "memcpy");
    }

    #[test]
    fn a_list_may_have_comments() {
        assert_eq!(names("# why\na::main\n\nmemcpy\n").collect::<Vec<_>>(), ["a::main", "memcpy"]);
    }

    #[test]
    fn symbols_are_ordered_by_the_list_and_missing_names_are_skipped() {
        let order = resolve(&["a::early", "gone", "memcpy"], symbols(MAP));
        let [two, three] = [2, 3].map(|hash| format!("_ZN1a5early17h000000000000000{hash}E"));
        assert_eq!(order, [two.as_str(), three.as_str(), "memcpy"]);
    }
}
