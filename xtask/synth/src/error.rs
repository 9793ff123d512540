//! The errors of this crate, in words for the user.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// The reason why a project could not be planned, or a plan could not be applied.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The description contradicts itself or the files on the disk. All problems are listed, and nothing was changed.
    Refused(Vec<Problem>),
    /// A change could not be made. The changes before it were made. Running again makes the rest.
    Io {
        /// The file that it was about.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// One thing that cannot be done as described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as its path was given.
    pub path: String,
    /// The problem.
    pub wrong: String,
    /// The remedy.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, wrong, remedy } = self;
        write!(f, "{path}: {wrong}; {remedy}")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(problems) => {
                f.write_str("nothing was changed:")?;
                problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
            Self::Io { path, .. } => {
                // The caller that prints the chain of errors prints the source.
                write!(
                    f,
                    "{} cannot be changed (those before it are: mend it, and run again)",
                    path.display()
                )
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(_) => None,
            Self::Io { source, .. } => Some(source),
        }
    }
}
