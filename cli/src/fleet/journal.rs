//! The file that records the state of functions before they were changed: one JSON document per line.
//!
//! An entry is written and synced before the change that it announces, so a run that is killed at any moment can be continued and
//! undone. The file contains layers, policies and the extension's own variables, but never other variables.

mod entry;

use std::cell::{Cell, Ref, RefCell};
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use kinesis_telemetry_terminal::plain;

pub(crate) use entry::{Entry, Function, Intent, Ledger, Verb};

/// The file mode: only the owner may read a journal.
const MODE: u32 = 0o600;
/// The beginning of every line.
const BEGINNING: &[u8] = b"{\"entry\":";

/// A journal that only this run writes.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// The offset of the end of the last complete entry.
    end: Cell<u64>,
    /// True if the file may end with an incomplete entry.
    is_broken: Cell<bool>,
    ledger: RefCell<Ledger>,
}

impl Journal {
    /// Opens or creates a journal for writing. Fails if another run is writing it, or if it belongs to another account or
    /// deployment.
    pub(crate) fn open(path: &Path, account: &str, deployment: Option<&str>) -> Result<Self> {
        let shown = plain(&path.to_string_lossy()).into_owned();
        let folder =
            path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let unusable = || format!("the journal {shown} cannot be written");
        fs::create_dir_all(folder).with_context(unusable)?;
        // Opening a device may have side effects, and opening a pipe may block.
        if fs::metadata(path).is_ok_and(|it| !it.is_file()) {
            bail!("{shown} is not a regular file: choose another file with --journal");
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(MODE)
            .open(path)
            .with_context(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "another run is writing the journal {shown}: wait until it ends, or choose another file with --journal"
            ),
            Err(TryLockError::Error(error)) => return Err(error).with_context(unusable),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).with_context(unusable)?;
        let (ledger, end) = parse(&text, &shown)?;
        is_of(&ledger, account, deployment, &shown)?;
        // From here on, the file is known to be ours.
        file.set_permissions(Permissions::from_mode(MODE)).with_context(unusable)?;
        // A line that a crash left incomplete announces a change that was not made.
        file.set_len(end).with_context(unusable)?;
        File::open(folder).and_then(|it| it.sync_all()).with_context(unusable)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            end: Cell::new(end),
            is_broken: Cell::new(false),
            ledger: RefCell::new(ledger),
        })
    }

    /// Reads a journal without changing it. Returns `None` if the file does not exist.
    pub(crate) fn read(
        path: &Path,
        account: &str,
        deployment: Option<&str>,
    ) -> Result<Option<Ledger>> {
        let shown = plain(&path.to_string_lossy()).into_owned();
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("the journal {shown} cannot be read"));
            }
        };
        let (ledger, _) = parse(&text, &shown)?;
        is_of(&ledger, account, deployment, &shown)?;
        Ok(Some(ledger))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the state that the entries add up to.
    pub(crate) fn ledger(&self) -> Ref<'_, Ledger> {
        self.ledger.borrow()
    }

    /// Returns a function's state in the journal.
    pub(crate) fn function(&self, arn: &str) -> Option<Ref<'_, Function>> {
        Ref::filter_map(self.ledger.borrow(), |it| it.functions.get(arn)).ok()
    }

    /// Writes an entry, and returns once it is on disk.
    pub(crate) fn announce(&self, entry: &Entry) -> Result<()> {
        self.write(entry, File::sync_data)
    }

    /// Writes an entry that a later run can derive again, without waiting for the disk.
    pub(crate) fn note(&self, entry: &Entry) -> Result<()> {
        self.write(entry, |_| Ok(()))
    }

    /// Writes a complete entry, or leaves the file unchanged.
    fn write(&self, entry: &Entry, sync: impl Fn(&File) -> io::Result<()>) -> Result<()> {
        if self.is_broken.get() {
            bail!("{}: an incomplete entry could not be removed", self.unusable());
        }
        let mut line = serde_json::to_vec(entry).context("an entry cannot be written as JSON")?;
        line.push(b'\n');
        let end = self.end.get();
        let written = self.file.write_all_at(&line, end).and_then(|()| sync(&self.file));
        if let Err(error) = written {
            // The next entry must not continue an incomplete line.
            self.is_broken.set(self.file.set_len(end).is_err());
            return Err(error).with_context(|| self.unusable());
        }
        self.end.set(end + u64::try_from(line.len()).context("the journal is too large")?);
        self.ledger.borrow_mut().add(entry);
        Ok(())
    }

    /// Announces the change of a function, and returns its number.
    pub(crate) fn begin(&self, mut intent: Intent) -> Result<u64> {
        intent.id = self.ledger.borrow().next_id;
        let id = intent.id;
        self.announce(&Entry::Change(intent))?;
        Ok(id)
    }

    fn unusable(&self) -> String {
        format!("the journal {} cannot be written", plain(&self.path.to_string_lossy()))
    }
}

/// Returns the default file for an account and a deployment.
pub(crate) fn default_path(account: &str, deployment: Option<&str>) -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
    let state = variable("XDG_STATE_HOME")
        .or_else(|| Some(variable("HOME")?.join(".local/state")))
        .context("neither HOME nor XDG_STATE_HOME is set: name a file with --journal")?;
    let name = deployment.map(|name| format!("-{name}")).unwrap_or_default();
    Ok(state.join("kinesis-telemetry").join(format!("{account}{name}.jsonl")))
}

/// Parses the lines. Returns their state, and the end of the last complete line.
fn parse(text: &[u8], shown: &str) -> Result<(Ledger, u64)> {
    let mut ledger = Ledger::default();
    let end = text.iter().rposition(|it| *it == b'\n').map_or(0, |it| it + 1);
    let torn = &text[end..];
    if !torn.starts_with(BEGINNING) && !BEGINNING.starts_with(torn) {
        bail!("{shown} is not a journal: choose another file with --journal");
    }
    for (index, line) in text[..end].split(|it| *it == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        if index == 0 && !line.starts_with(BEGINNING) {
            bail!("{shown} is not a journal: choose another file with --journal");
        }
        let entry = serde_json::from_slice(line).with_context(|| {
            format!("line {} of the journal {shown} is not an entry: restore the file, or choose another one with --journal", index + 1)
        })?;
        ledger.add(&entry);
    }
    Ok((ledger, u64::try_from(end).context("the journal is too large")?))
}

fn is_of(ledger: &Ledger, account: &str, deployment: Option<&str>, shown: &str) -> Result<()> {
    let Some(theirs) = &ledger.account else { return Ok(()) };
    let named =
        |name: Option<&str>| name.map(|it| format!(", deployment {it}")).unwrap_or_default();
    if theirs != account || ledger.deployment.as_deref() != deployment {
        bail!(
            "the journal {shown} belongs to the account {}{}, not to {account}{}: check --journal, --profile and --name",
            plain(theirs),
            plain(&named(ledger.deployment.as_deref())),
            named(deployment)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use anyhow::Result;
    use tempfile::tempdir;

    use super::{BEGINNING, Entry, Journal, Verb};

    const ACCOUNT: &str = "111122223333";

    fn run(account: &str) -> Entry {
        let account = account.to_owned();
        Entry::Run { verb: Verb::Attach, account, deployment: None, time_ms: 1 }
    }

    fn open(path: &Path) -> Result<Journal> {
        Journal::open(path, ACCOUNT, None)
    }

    #[test]
    fn files_that_are_no_journal_stay_as_they_are() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("token-file");
        let theirs = serde_json::to_string(&run("444455556666")).unwrap() + "\n{\"entry\":\"ch";
        let ours = serde_json::to_string(&run(ACCOUNT)).unwrap();
        for (text, expected) in [
            ("ghp_secret", "is not a journal"),
            ("ghp_secret\n", "is not a journal"),
            ("{\"a\":1}", "is not a journal"),
            (&format!("{ours}\nghp_secret"), "is not a journal"),
            (&format!("{ours}\nghp_secret\n"), "is not an entry"),
            (&theirs, "belongs to the account 444455556666"),
        ] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
            let error = open(&path).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), *text);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644, "{text}");
        }
        for path in [Path::new("/dev/null"), folder.path()] {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            let error = open(path).unwrap_err().to_string();
            assert!(error.contains("is not a regular file"), "{error}");
            assert_eq!(fs::metadata(path).unwrap().permissions().mode(), mode);
        }
    }

    #[test]
    fn torn_lines_are_removed() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("journal");
        let whole = serde_json::to_string(&run(ACCOUNT)).unwrap() + "\n";
        assert!(whole.as_bytes().starts_with(BEGINNING));
        for length in 0..whole.len() {
            fs::write(&path, format!("{whole}{}", &whole[..length])).unwrap();
            open(&path).unwrap().note(&run(ACCOUNT)).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), whole.repeat(2), "{length}");
        }
    }

    #[test]
    fn a_journal_that_cannot_be_written_is_not_written_again() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut journal = open(&path).unwrap();
        journal.note(&run(ACCOUNT)).unwrap();
        let before = fs::read(&path).unwrap();
        // Neither writing nor truncating works.
        journal.file = fs::File::open(&path).unwrap();
        assert!(journal.note(&run(ACCOUNT)).is_err());
        journal.file = fs::File::options().write(true).open(&path).unwrap();
        let error = journal.announce(&run(ACCOUNT)).unwrap_err().to_string();
        assert!(error.contains("could not be removed"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}
