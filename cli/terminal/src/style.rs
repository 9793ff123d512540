//! Output with colours: values are made safe, and only this module writes escape sequences.

use std::env;
use std::ffi::OsString;

use crate::plain::plain;

/// A colour or an attribute (ECMA-48, Select Graphic Rendition).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Bold text.
    Bold,
    /// Faint text, for repeated parts.
    Dim,
    /// Errors.
    Red,
    /// Warnings.
    Yellow,
    /// Success.
    Green,
    /// One of the 256 colours of a terminal.
    Color(u8),
}

/// The choice between output with and without colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Styles {
    is_colored: bool,
}

/// Lines for a terminal or a pipe. Values that are pushed cannot hold escape sequences or line breaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    styles: Styles,
    text: String,
}

impl Styles {
    /// Returns styles with or without colours.
    pub fn new(is_colored: bool) -> Self {
        Self { is_colored }
    }

    /// Returns styles for an output that is a terminal or not: colours are for terminals, unless `NO_COLOR` is set
    /// (<https://no-color.org>) or the terminal is dumb.
    pub fn of_output(is_terminal: bool) -> Self {
        Self::new(has_colors(is_terminal, |name| env::var_os(name)))
    }

    /// Returns true if colours are used.
    pub fn is_colored(self) -> bool {
        self.is_colored
    }

    /// Returns an empty text in these styles.
    pub fn text(self) -> Text {
        Text { styles: self, text: String::new() }
    }
}

impl Text {
    /// Adds a value.
    pub fn push(&mut self, value: &str) -> &mut Self {
        self.text += &plain(value);
        self
    }

    /// Adds a value in these styles, if colours are used.
    pub fn push_in(&mut self, styles: &[Style], value: &str) -> &mut Self {
        let value = plain(value);
        if !self.styles.is_colored || styles.is_empty() || value.is_empty() {
            self.text += &value;
            return self;
        }
        for style in styles {
            self.text += &style.sequence();
        }
        self.text += &value;
        self.text += "\x1b[0m";
        self
    }

    /// Ends the line.
    pub fn end_line(&mut self) -> &mut Self {
        while self.text.ends_with(' ') {
            self.text.pop();
        }
        self.text.push('\n');
        self
    }

    /// Adds another text.
    pub fn append(&mut self, other: &Self) -> &mut Self {
        self.text += &other.text;
        self
    }

    /// Returns true if nothing was added.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Returns the lines, with the escape sequences of their styles.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Style {
    fn sequence(self) -> String {
        match self {
            Self::Bold => "\x1b[1m".to_owned(),
            Self::Dim => "\x1b[2m".to_owned(),
            Self::Red => "\x1b[31m".to_owned(),
            Self::Yellow => "\x1b[33m".to_owned(),
            Self::Green => "\x1b[32m".to_owned(),
            Self::Color(number) => format!("\x1b[38;5;{number}m"),
        }
    }
}

/// Returns true if colours are wanted. `NO_COLOR` counts if it is set and not empty.
pub(crate) fn has_colors(is_terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    is_terminal
        && variable("NO_COLOR").is_none_or(|value| value.is_empty())
        && variable("TERM").is_none_or(|value| value != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn styled(is_colored: bool) -> String {
        let mut text = Styles::new(is_colored).text();
        text.push_in(&[Style::Bold, Style::Red], "ERROR").push(" a\u{1b}[2Jb\nc  ").end_line();
        text.as_str().to_owned()
    }

    #[test]
    fn values_cannot_add_escape_sequences_or_lines() {
        assert_eq!(styled(true), "\u{1b}[1m\u{1b}[31mERROR\u{1b}[0m a\u{fffd}[2Jb c\n");
    }

    #[test]
    fn without_colors_there_is_no_escape_sequence() {
        assert_eq!(styled(false), "ERROR a\u{fffd}[2Jb c\n");
    }
}
