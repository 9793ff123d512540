//! The file of a page. A new page replaces the previous one only when it is complete.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use kinesis_telemetry_report::{Report, html};
use tempfile::NamedTempFile;

/// A file that a page will be written to.
#[derive(Debug)]
pub struct PageFile {
    path: PathBuf,
    /// The draft that becomes the page; `None` for a device or a pipe.
    draft: Option<NamedTempFile>,
}

impl PageFile {
    /// Prepares the file. Fails if a page cannot be written there, before a long read begins.
    pub fn create(path: &Path) -> Result<Self> {
        let unwritable = || format!("--html {} cannot be written", path.display());
        let is_special = path.metadata().is_ok_and(|it| !it.is_file());
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let draft = if is_special {
            std::fs::OpenOptions::new().write(true).open(path).with_context(unwritable)?;
            None
        } else {
            Some(NamedTempFile::new_in(folder).with_context(unwritable)?)
        };
        Ok(Self { path: path.to_owned(), draft })
    }

    /// Writes the page.
    pub fn write(self, report: &Report) -> Result<()> {
        let Self { path, draft } = self;
        let unwritable = || format!("--html {} cannot be written", path.display());
        let page = html(report);
        match draft {
            None => std::fs::write(&path, page).with_context(unwritable),
            Some(mut draft) => {
                draft.write_all(page.as_bytes()).with_context(unwritable)?;
                // A draft is readable only by its owner; a page is readable by all users who can read the folder.
                readable(draft.as_file()).with_context(unwritable)?;
                draft.persist(&path).map_err(|error| error.error).with_context(unwritable)?;
                Ok(())
            }
        }
    }
}

#[cfg(unix)]
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_page_stays_until_the_new_one_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        std::fs::write(&path, "before").unwrap();
        drop(PageFile::create(&path).unwrap());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");
        PageFile::create(&path).unwrap().write(&Report::default()).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().contains("</html>"));
    }

    #[test]
    fn a_folder_that_does_not_exist_is_an_error_at_once() {
        let error = PageFile::create(Path::new("/nowhere/at/all.html")).unwrap_err().to_string();
        assert!(error.contains("--html /nowhere/at/all.html cannot be written"), "{error}");
    }
}
