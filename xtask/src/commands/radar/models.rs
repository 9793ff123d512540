//! Reads AWS's own API models out of a wheel of botocore, which has a JSON file for each version of a service's API. Pure.

use std::collections::BTreeMap;
use std::io::Read as _;

use anyhow::{Context, Result, bail};
use flate2::bufread::GzDecoder;
use serde_json::Value as Json;

use super::facts::{Fact, Subject, What};
use super::text::{self, Value};
use crate::tools::wheel;

/// The first bytes of gzip's format (RFC 1952).
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// The models of one version of botocore.
pub(super) struct Models {
    /// The package and its version, with a space between them.
    pub(super) version: String,
    services: BTreeMap<&'static str, Json>,
}

impl Models {
    /// Reads the models of the services that the facts are about, of each the newest version.
    pub(super) fn read(wheel: &[u8], facts: &[Fact]) -> Result<Self> {
        let paths = wheel::paths(wheel)?;
        let version = |path: &String| {
            let (folder, file) = path.split_once(".dist-info/")?;
            (file == "METADATA").then(|| folder.replacen('-', " ", 1))
        };
        let version = paths.iter().find_map(version).context("the wheel states no version")?;
        if !version.starts_with("botocore ") {
            bail!("the wheel is {}, not botocore", text::shown(&version));
        }
        let mut services = BTreeMap::new();
        for Fact { service, .. } in facts {
            if services.contains_key(service) {
                continue;
            }
            let folder = format!("botocore/data/{service}/");
            let is_model = |path: &&String| {
                let file = path.strip_prefix(&folder).and_then(|it| it.split_once('/'));
                file.is_some_and(|it| ["service-2.json", "service-2.json.gz"].contains(&it.1))
            };
            // Folders are named by date.
            let Some(path) = paths.iter().filter(is_model).max() else { continue };
            let mut bytes = wheel::unpacked(wheel, path)?;
            if bytes.starts_with(&GZIP) {
                let packed = std::mem::take(&mut bytes);
                GzDecoder::new(packed.as_slice())
                    .read_to_end(&mut bytes)
                    .with_context(|| format!("{path} cannot be inflated"))?;
            }
            let model = serde_json::from_slice(&bytes);
            services.insert(*service, model.with_context(|| format!("{path} is not JSON"))?);
        }
        Ok(Self { version, services })
    }

    /// Returns the value that the models state. Fails if they state none, because a shape, a member or a sentence has gone.
    pub(super) fn value(&self, service: &str, subject: Subject, what: What) -> Result<Value> {
        let Some(model) = self.services.get(service) else { bail!("there is no such service") };
        let (described, shape) = match subject {
            Subject::Shape(name) => {
                let shape = model["shapes"].get(name).context("there is no such shape")?;
                (shape, Some(shape))
            }
            Subject::Member(name, member) => {
                let shape = model["shapes"].get(name).context("there is no such shape")?;
                let member = shape["members"].get(member).context("there is no such member")?;
                (member, member["shape"].as_str().and_then(|it| model["shapes"].get(it)))
            }
            Subject::Operation(name) => {
                (model["operations"].get(name).context("there is no such operation")?, None)
            }
        };
        let constraint = |name: &str| shape.and_then(|it| it.get(name));
        let number = |name: &str| constraint(name).and_then(Json::as_f64).map(Value::Number);
        let stated = match what {
            What::Min => number("min"),
            What::Max => number("max"),
            What::Enum => constraint("enum")
                .and_then(Json::as_array)
                .map(|it| Value::words(it.iter().filter_map(Json::as_str))),
            What::Errors => described["errors"]
                .as_array()
                .map(|it| Value::words(it.iter().filter_map(|it| it["shape"].as_str()))),
            What::Says(pattern) => return text::number(&prose(described), pattern),
            What::Names(pattern) => return text::words(&prose(described), pattern),
        };
        stated.with_context(|| format!("it states no {what}"))
    }
}

/// Returns the documentation in one line, without its markup. Code is in backquotes.
fn prose(described: &Json) -> String {
    let html = described["documentation"].as_str().unwrap_or_default();
    let mut text = String::new();
    for (at, part) in html.split('<').enumerate() {
        let (tag, after) =
            if at == 0 { ("", part) } else { part.split_once('>').unwrap_or(("", part)) };
        let is_code = ["code", "/code"].contains(&tag);
        text.push_str(if is_code {
            "`"
        } else if at == 0 {
            ""
        } else {
            " "
        });
        text.push_str(after);
    }
    let entities = [("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    text::in_one_line(&entities.iter().fold(text, |text, (entity, c)| text.replace(entity, c)))
}

#[cfg(test)]
mod tests {
    use super::prose;

    #[test]
    fn prose_has_no_markup_and_code_in_backquotes() {
        let html = "<p>Default: <code>x86_64</code>.</p> <ul> <li> <p>at &lt; 5 &amp; <i>all</i></p> </li></ul>";
        let text = prose(&serde_json::json!({ "documentation": html }));
        assert_eq!(text, "Default: `x86_64`. at < 5 & all");
        assert_eq!(prose(&serde_json::json!({})), "");
    }
}
