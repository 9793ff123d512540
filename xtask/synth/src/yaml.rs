//! The differences between YAML and the other formats.

use serde::Serialize;

pub use serde_saphyr::Commented;

/// Writes YAML as people do: lists are indented below their key, and lines are not broken.
pub(crate) fn to_string(value: &impl Serialize) -> Result<String, String> {
    let options = serde_saphyr::ser_options! {
        compact_list_indent: false,
        folded_wrap_chars: usize::MAX,
        min_fold_chars: usize::MAX,
    };
    let mut text = String::new();
    serde_saphyr::to_fmt_writer_with_options(&mut text, value, options)
        .map_err(|error| error.to_string())?;
    Ok(text)
}
