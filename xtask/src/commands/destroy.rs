//! Before and after something is deleted: a question, and what is still there.

use std::io::{IsTerminal, Write, stdin, stdout};

use anyhow::{Context, Result, bail};

use super::preflight::Place;
use crate::cli::Deployment;
use crate::project::stages;

/// Fails unless somebody has typed the stage's name, or said `--yes`.
pub(super) fn ask(deployment: &Deployment, place: &Place, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() {
        bail!("nobody is there to be asked: add --yes to delete {}", what(deployment, place));
    }
    print!(
        "This deletes {}.\n{}\nType {} to go on: ",
        what(deployment, place),
        leftovers(deployment, place),
        deployment.stage
    );
    stdout().flush().context("the question cannot be asked")?;
    let mut answer = String::new();
    stdin().read_line(&mut answer).context("the answer cannot be read")?;
    if answer.trim() != deployment.stage {
        bail!("nothing was deleted");
    }
    Ok(())
}

fn what(deployment: &Deployment, place: &Place) -> String {
    let name = deployment.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    format!("{}{name} from account {} in {}", deployment.stage, place.account, place.region)
}

/// What is there afterwards.
pub(super) fn leftovers(deployment: &Deployment, place: &Place) -> String {
    let mut left = vec!["layer versions, whose ARNs functions hold"];
    if stages::named(&deployment.stage).is_some_and(|stage| stage.retained) {
        left.extend(["the stream and its key", "the dead-letter queue"]);
    }
    left.push("the CDK's own stack CDKToolkit and what it keeps in its bucket");
    format!("Left in account {}, {}: {}.", place.account, place.region, left.join("; "))
}
