//! A file that holds what functions had before they were changed: one JSON document a line.
//!
//! An entry is written and synced before the change that it announces, so a run that was killed at any moment can be continued
//! and undone. The file holds layers, policies and the extension's own variables; other variables never reach it.

mod entry;

use std::cell::{Ref, RefCell};
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use kinesis_telemetry_terminal::plain;

pub(crate) use entry::{Entry, Function, Intent, Ledger, Verb};

/// Only its owner may read a journal.
const MODE: u32 = 0o600;

/// A journal that this run alone writes.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: RefCell<File>,
    ledger: RefCell<Ledger>,
}

impl Journal {
    /// Opens a journal for writing, or makes it. Fails if another run writes it, or if it is of another account or deployment.
    pub(crate) fn open(path: &Path, account: &str, deployment: Option<&str>) -> Result<Self> {
        let shown = plain(&path.to_string_lossy()).into_owned();
        let folder =
            path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let unusable = || format!("the journal {shown} cannot be written");
        fs::create_dir_all(folder).with_context(unusable)?;
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
                "another run writes the journal {shown}: wait until it has ended, or choose another file with --journal"
            ),
            Err(TryLockError::Error(error)) => return Err(error).with_context(unusable),
        }
        file.set_permissions(Permissions::from_mode(MODE)).with_context(unusable)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).with_context(unusable)?;
        let (ledger, end) = parse(&text, &shown)?;
        // A line that a crash tore announces a change that was not made.
        file.set_len(end).with_context(unusable)?;
        file.seek(SeekFrom::End(0)).with_context(unusable)?;
        File::open(folder).and_then(|it| it.sync_all()).with_context(unusable)?;
        is_of(&ledger, account, deployment, &shown)?;
        Ok(Self { path: path.to_owned(), file: RefCell::new(file), ledger: RefCell::new(ledger) })
    }

    /// Reads what a journal holds, and changes nothing. `None` if there is no such file.
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

    /// Returns what the journal amounts to.
    pub(crate) fn ledger(&self) -> Ref<'_, Ledger> {
        self.ledger.borrow()
    }

    /// Returns what the journal holds of a function.
    pub(crate) fn function(&self, arn: &str) -> Option<Ref<'_, Function>> {
        Ref::filter_map(self.ledger.borrow(), |it| it.functions.get(arn)).ok()
    }

    /// Writes an entry, and returns when the disk has it.
    pub(crate) fn announce(&self, entry: &Entry) -> Result<()> {
        self.note(entry)?;
        self.file.borrow().sync_data().with_context(|| self.unusable())
    }

    /// Writes an entry that a later run can find out again.
    pub(crate) fn note(&self, entry: &Entry) -> Result<()> {
        let mut line = serde_json::to_vec(entry).context("an entry makes no JSON")?;
        line.push(b'\n');
        self.file.borrow_mut().write_all(&line).with_context(|| self.unusable())?;
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

/// Returns what the lines amount to, and where the last whole one ends.
fn parse(text: &[u8], shown: &str) -> Result<(Ledger, u64)> {
    let mut ledger = Ledger::default();
    let end = text.iter().rposition(|it| *it == b'\n').map_or(0, |it| it + 1);
    for (index, line) in text[..end].split(|it| *it == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let entry = serde_json::from_slice(line).with_context(|| {
            format!("line {} of the journal {shown} is no entry: restore the file, or choose another one with --journal", index + 1)
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
            "the journal {shown} is of the account {}{}, not of {account}{}: check --journal, --profile and --name",
            plain(theirs),
            plain(&named(ledger.deployment.as_deref())),
            named(deployment)
        );
    }
    Ok(())
}
