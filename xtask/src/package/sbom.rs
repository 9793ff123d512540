//! A bill of materials in `CycloneDX`: what is in the program, and what it was made with.
//!
//! It says nothing of when and where, so that it is the same each time.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Result, bail};
use extension_spec::EXTENSION_NAME;
use extension_spec::deployment::Architecture;
use serde_json::{Value, json};

use crate::dependencies::graph::{Graph, Package};
use crate::process;
use crate::project::pins::{CARGO_ZIGBUILD, ZIGLANG};

/// The document, as text.
pub(super) fn cyclone_dx(
    graph: &Graph,
    linked: &[&Package],
    architecture: Architecture,
) -> Result<String> {
    let Some(extension) = linked.iter().find(|package| package.name == EXTENSION_NAME) else {
        bail!("cargo metadata does not know {EXTENSION_NAME}");
    };
    let mut packages = linked.to_vec();
    packages.sort_by_key(|package| reference(package));
    let others = packages.iter().filter(|package| package.id != extension.id);
    let components: Vec<Value> = others.map(|package| component(package)).collect();
    let dependencies: Vec<Value> = packages
        .iter()
        .map(|package| {
            let on = graph.linked_directly(package).into_iter().map(reference);
            json!({ "ref": reference(package), "dependsOn": on.collect::<BTreeSet<_>>() })
        })
        .collect();
    let mut main = component(extension);
    main["type"] = json!("application");
    main["properties"] = json!([{ "name": "target", "value": architecture.target() }]);
    let document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": main,
            "tools": { "components": [
                { "type": "application", "name": "rustc", "version": rustc()? },
                { "type": "application", "name": ZIGLANG.name, "version": ZIGLANG.version },
                { "type": "application", "name": CARGO_ZIGBUILD.name, "version": CARGO_ZIGBUILD.version },
            ] },
        },
        "components": components,
        "dependencies": dependencies,
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&document)?))
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

fn rustc() -> Result<String> {
    let (exit, version) = process::output("rustc", Command::new("rustc").arg("--version"))?;
    if !exit.success() {
        bail!("rustc does not say which version it is ({exit})");
    }
    Ok(version.trim().trim_start_matches("rustc ").to_owned())
}
