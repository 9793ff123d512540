//! The comment syntax of a language, for comments of one line.

/// The signs that open and close a comment of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comments {
    open: &'static str,
    close: &'static str,
}

impl Comments {
    /// `# …`: YAML, TOML, ignore files, shells.
    pub const HASH: Self = Self::new("# ", "");
    /// `// …`: TypeScript, JavaScript, Rust, JSON with comments.
    pub const SLASHES: Self = Self::new("// ", "");
    /// `<!-- … -->`: Markdown, HTML, XML.
    pub const ANGLES: Self = Self::new("<!-- ", " -->");

    /// Returns the syntax of a language that is not among the constants. Blanks between the signs and the text are part
    /// of the signs.
    pub const fn new(open: &'static str, close: &'static str) -> Self {
        Self { open, close }
    }

    /// Returns the syntax of the language that a file's name stands for; [`HASH`](Self::HASH) for unknown names.
    pub(crate) fn of(path: &str) -> Self {
        match path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("md" | "html" | "svg" | "xml" | "vue") => Self::ANGLES,
            Some("sql" | "lua" | "hs") => Self::new("-- ", ""),
            Some("css") => Self::new("/* ", " */"),
            Some(
                "rs" | "ts" | "tsx" | "mts" | "cts" | "js" | "jsx" | "mjs" | "cjs" | "jsonc" | "go"
                | "java" | "kt" | "swift" | "c" | "h" | "cc" | "cpp" | "hpp" | "cs" | "scss"
                | "php",
            ) => Self::SLASHES,
            _ => Self::HASH,
        }
    }

    /// Returns the signs that open and close a comment.
    pub(crate) const fn signs(self) -> [&'static str; 2] {
        [self.open, self.close]
    }

    /// A comment that holds `text`, without the end of the line.
    pub(crate) fn line(self, text: &str) -> String {
        format!("{}{text}{}", self.open, self.close)
    }
}
