//! `.github/workflows`: one module, one workflow. xtask does the work; the workflows state when, where and with which permissions
//! it runs.

mod audit;
mod ci;
mod model;
mod nightly;
mod radar;
mod release;

mod steps;

use xtask_synth::Project;

pub(super) fn add(project: &mut Project) {
    ci::add(project);
    audit::add(project);
    nightly::add(project);
    radar::add(project);
    release::add(project);
}
