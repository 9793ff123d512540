//! Edits the text of `project::pins`: one pin, one line. Pure.

use anyhow::{Context, Result, bail};

use super::Newest;
use crate::project::pins::{DECLARED_IN, Pin, Registry};

/// The text with another version, and, of an action, its commit.
pub(super) fn pinned(text: &str, pin: &Pin, newest: &Newest) -> Result<String> {
    let quoted = |word: &str| format!("\"{word}\"");
    let (name, old) = (quoted(pin.name), quoted(pin.version));
    let mut lines =
        text.split_inclusive('\n').filter(|line| line.contains(&name) && line.contains(&old));
    let (Some(line), None) = (lines.next(), lines.next()) else {
        bail!("{DECLARED_IN} has not exactly one line with {name} and {old}: pin it by hand");
    };
    let mut replaced = line.replace(&old, &quoted(&newest.version));
    if let Registry::Action { commit } = pin.registry {
        let new = newest.commit.as_deref().context("an action is pinned by its commit")?;
        replaced = replaced.replace(&quoted(commit), &quoted(new));
    }
    Ok(text.replace(line, &replaced))
}

#[cfg(test)]
mod tests {
    use super::pinned;
    use crate::commands::upgrade::Newest;
    use crate::project::pins;

    #[test]
    fn every_pin_can_be_edited_and_nothing_else_changes() {
        let text = include_str!("../../project/pins.rs");
        for pin in pins::ALL {
            let newest = Newest { version: "99.0.0".to_owned(), commit: Some("f00".to_owned()) };
            let edited = pinned(text, pin, &newest).unwrap();
            let changed: Vec<(&str, &str)> =
                text.lines().zip(edited.lines()).filter(|(one, other)| one != other).collect();
            let [(_, after)] = changed[..] else { panic!("{}: {changed:?}", pin.name) };
            assert!(after.contains(pin.name) && after.contains("\"99.0.0\""), "{after}");
            let is_action = matches!(pin.registry, pins::Registry::Action { .. });
            assert_eq!(after.contains("\"f00\""), is_action, "{after}");
        }
    }

    #[test]
    fn a_pin_that_is_not_found_is_named() {
        let newest = Newest { version: "99.0.0".to_owned(), commit: None };
        let error = pinned("", &pins::TYPESCRIPT, &newest).unwrap_err().to_string();
        assert!(error.contains("\"typescript\"") && error.ends_with("pin it by hand"), "{error}");
    }
}
