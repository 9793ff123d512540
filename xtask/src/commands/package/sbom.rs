//! A bill of materials in `CycloneDX`: the parts of the program, and the tools that built it.
//!
//! It states no time or place, so that it is the same each time.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::project::pins::{CARGO_ZIGBUILD, ZIGLANG};
use crate::support::digest::hex;
use crate::tools::build;
use crate::tools::graph::{Graph, Package};

/// Returns the document of the program of this package, as text.
pub(super) fn cyclone_dx(
    program: &str,
    graph: &Graph,
    linked: &[&Package],
    target: &str,
) -> Result<String> {
    let Some(main) = linked.iter().find(|package| package.name == program) else {
        bail!("cargo metadata does not know {program}");
    };
    let mut packages = linked.to_vec();
    packages.sort_by_key(|package| reference(package));
    let others = packages.iter().filter(|package| package.id != main.id);
    let mut components: Vec<Value> = others.map(|package| component(package)).collect();
    let rustc = build::rust_version()?;
    // Rust's distribution brings these, and no lock file knows of them.
    let is_static = target.ends_with("-musl");
    let of_rust: &[&str] =
        if is_static { &["rust-std", "musl", "libunwind"] } else { &["rust-std"] };
    components.extend(
        of_rust.iter().map(
            |name| json!({ "type": "library", "bom-ref": name, "name": name, "version": rustc }),
        ),
    );
    let tool = |name: &str, version: &str| json!({ "type": "application", "name": name, "version": version });
    let mut tools = vec![tool("rustc", &rustc)];
    if is_static {
        tools.extend([ZIGLANG, CARGO_ZIGBUILD].map(|pin| tool(pin.name, pin.version)));
    }
    let dependencies: Vec<Value> = packages
        .iter()
        .map(|package| {
            let on = graph.linked_directly(package).into_iter().map(reference);
            json!({ "ref": reference(package), "dependsOn": on.collect::<BTreeSet<_>>() })
        })
        .collect();
    let mut component = component(main);
    component["type"] = json!("application");
    component["properties"] = json!([{ "name": "target", "value": target }]);
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": component,
            "tools": { "components": tools },
        },
        "components": components,
        "dependencies": dependencies,
    });
    document["serialNumber"] = json!(serial_number(&document));
    Ok(format!("{}\n", serde_json::to_string_pretty(&document)?))
}

/// A UUID (RFC 9562, version 8) of the document's own content, so that it is the same for the same content. GitHub's
/// `actions/attest` takes no document without one.
fn serial_number(document: &Value) -> String {
    let mut bytes = Sha256::digest(document.to_string()).to_vec();
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes[..16]);
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    format!("urn:uuid:{}", parts.join("-"))
}

fn component(package: &Package) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
    });
    if let Some(licence) = &package.license {
        // Old crates write a slash for OR.
        component["licenses"] = json!([{ "expression": licence.replace('/', " OR ") }]);
    }
    if package.source.is_some() {
        component["purl"] = json!(reference(package));
    }
    component
}

/// A package URL, which names a package of crates.io for all tools; it serves as its name in the document too.
fn reference(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

#[cfg(test)]
mod tests {
    use extension_spec::EXTENSION_NAME;
    use extension_spec::deployment::Architecture;

    use super::{Graph, cyclone_dx, serial_number};

    #[test]
    fn the_document_names_its_format_as_those_who_attest_it_ask_for() {
        let target = Architecture::X86_64.target();
        let graph = Graph::shipped(EXTENSION_NAME, target).unwrap();
        let linked = graph.linked_by(EXTENSION_NAME);
        let text = cyclone_dx(EXTENSION_NAME, &graph, &linked, target).unwrap();
        assert_eq!(text, cyclone_dx(EXTENSION_NAME, &graph, &linked, target).unwrap());
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        // actions/attest, src/sbom.ts: without these three it is no CycloneDX.
        for member in ["bomFormat", "serialNumber", "specVersion"] {
            assert!(document[member].is_string(), "{member}");
        }
        let components = document["components"].as_array().unwrap();
        let has = |name: &str| components.iter().any(|it| it["name"] == name);
        assert!(has("ring") && has("extension-spec"), "what is in the program");
        assert!(has("rust-std") && has("musl"));
        for absent in ["syn", "proptest", "h2", "lambda_runtime"] {
            assert!(!has(absent), "{absent} is of a macro, a test or another program");
        }
    }

    #[test]
    fn a_serial_number_is_a_uuid_of_the_content() {
        let number = serial_number(&serde_json::json!({ "a": 1 }));
        let uuid = number.strip_prefix("urn:uuid:").unwrap();
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert!(uuid.split('-').nth(2).unwrap().starts_with('8'), "{uuid}");
        assert_ne!(number, serial_number(&serde_json::json!({ "a": 2 })));
    }
}
