//! The phases of a run, each over all regions.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use kinesis_telemetry_stream::{Aws, Wanted, stdout};
use kinesis_telemetry_terminal::StatusLine;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::layer::{self, Version};
use crate::options::Options;
use crate::place::{self, Place, patient};
use crate::release::{Layer, Release};
use crate::signing::Signing;
use crate::summary::{Row, Summary};
use crate::{canary, open, regions, versions};

/// The longest wait for credentials.
const SIGN_IN: Duration = Duration::from_secs(10);
/// Regions in which something is done at the same time: each holds a zip in memory.
const AT_ONCE: usize = 8;

/// Publishes a release. Returns true if all regions have it and it is open.
pub(crate) async fn run(options: &Options) -> Result<bool> {
    // Problems with the folder or the regions are reported before the first call.
    let release = Release::read(&options.folder)?;
    let regions = regions::selected(options)?;
    let wanted = Wanted { region: regions.first().cloned(), profile: options.profile.clone() };
    let aws = Aws::find(&wanted).await?;
    aws.clone().sign_in(SIGN_IN).await?;
    let publisher = Publisher::new(options, release, &regions, &patient(&aws));
    let account = place::account(&aws).await?;
    let summary = publisher.run().await?;
    stdout::print(&summary.text(&account))?;
    Ok(summary.is_done())
}

/// A release that is being published.
pub(crate) struct Publisher<'a> {
    options: &'a Options,
    release: Arc<Release>,
    places: Vec<Arc<Place>>,
    signing: Option<Signing>,
    rows: Vec<Row>,
    status: StatusLine,
}

/// A phase that begins when the one before it has succeeded in all regions.
#[derive(Clone, Copy)]
enum Phase {
    Publish,
    Verify,
    Open,
}

impl Phase {
    const ALL: [Self; 3] = [Self::Publish, Self::Verify, Self::Open];

    fn done(self) -> &'static str {
        match self {
            Self::Publish => "published",
            Self::Verify => "verified",
            Self::Open => "opened",
        }
    }
}

/// The release and the options that all regions share.
struct Work {
    release: Arc<Release>,
    /// The layers as they are published.
    layers: Vec<Layer>,
    role: String,
    organization: Option<String>,
}

impl Work {
    /// Carries out a phase in a region that has these versions. Returns the versions, each with whether something was changed.
    async fn step(
        &self,
        phase: Phase,
        place: &Place,
        versions: &[Version],
    ) -> Result<Vec<(Version, bool)>> {
        let organization = self.organization.as_deref();
        let mut step = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let known = || versions.get(index).context("the region has no version yet");
            step.push(match phase {
                Phase::Publish => layer::publish(place, &self.release, layer).await?,
                Phase::Verify => {
                    let version = known()?;
                    // An open version has already been verified.
                    let is_open = open::is_open(place, layer, version, organization).await?;
                    if !is_open {
                        canary::verify(place, &self.release, layer, version, &self.role).await?;
                    }
                    (version.clone(), !is_open)
                }
                Phase::Open => {
                    let version = known()?;
                    (version.clone(), open::open(place, layer, version, organization).await?)
                }
            });
        }
        Ok(step)
    }
}

impl<'a> Publisher<'a> {
    pub(crate) fn new(
        options: &'a Options,
        release: Release,
        regions: &[String],
        aws: &Aws,
    ) -> Self {
        let signing = options.signing_profile.as_deref().zip(options.signing_bucket.as_deref());
        Self {
            options,
            release: Arc::new(release),
            places: regions.iter().map(|it| Arc::new(Place::new(aws, it))).collect(),
            signing: signing.map(|(profile, bucket)| Signing::new(aws, profile, bucket)),
            rows: regions.iter().map(|it| Row::new(it)).collect(),
            status: StatusLine::default(),
        }
    }

    /// Goes through the phases. Ends after one that has failed in a region.
    pub(crate) async fn run(mut self) -> Result<Summary> {
        if self.options.dry_run {
            return self.plan().await;
        }
        let work = Arc::new(Work {
            release: Arc::clone(&self.release),
            layers: self.signed().await?,
            role: self.options.canary_role.clone().context("--canary-role is missing")?,
            organization: self.options.organization.clone(),
        });
        for phase in Phase::ALL {
            self.everywhere(phase, &work).await;
            if self.rows.iter().any(Row::has_failed) {
                return Ok(Summary::of_run(&self.release, self.rows));
            }
        }
        versions::write(&self.options.into, &self.release, &work.layers, &self.rows)?;
        Ok(Summary::of_run(&self.release, self.rows))
    }

    /// Returns the layers as they are published: signed, if there is a profile.
    async fn signed(&self) -> Result<Vec<Layer>> {
        let Some(signing) = &self.signing else { return Ok(self.release.layers.clone()) };
        let mut layers = Vec::new();
        for layer in &self.release.layers {
            self.status.set(&format!("signing {}", layer.file));
            layers.push(signing.sign(layer).await?);
        }
        Ok(layers)
    }

    /// Runs a phase in all regions, and notes the results in the rows.
    async fn everywhere(&mut self, phase: Phase, work: &Arc<Work>) {
        let (turns, mut running) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
        for (index, place) in self.places.iter().enumerate() {
            let (turns, work, place) = (Arc::clone(&turns), Arc::clone(work), Arc::clone(place));
            let versions = self.rows[index].versions();
            running.spawn(async move {
                let _turn = turns.acquire_owned().await;
                (index, work.step(phase, &place, &versions).await)
            });
        }
        while let Some(ended) = running.join_next().await {
            let (index, result) = ended.expect("no region panics");
            self.rows[index].note(phase.done(), result);
            let (ended, all) = (self.places.len() - running.len(), self.places.len());
            self.status.set(&format!("{} in {ended} of {all} regions", phase.done()));
        }
        self.status.clear();
    }

    /// Reads the current state, and reports what a run would do.
    async fn plan(mut self) -> Result<Summary> {
        let mut layers = Vec::new();
        for layer in &self.release.layers {
            layers.push(match &self.signing {
                Some(signing) => signing.find(layer).await?,
                None => Some(layer.clone()),
            });
        }
        for (place, row) in self.places.iter().zip(&mut self.rows) {
            let mut found = Vec::new();
            for layer in &layers {
                found.push(found_in(place, &self.release, layer.as_ref(), self.options).await);
            }
            row.plan(layers.iter().any(Option::is_none), found.into_iter().collect());
        }
        Ok(Summary::of_plan(&self.release, self.rows))
    }
}

/// Returns the version of a layer that a region has, and whether it is open. A layer that has yet to be signed is in no region.
async fn found_in(
    place: &Place,
    release: &Release,
    layer: Option<&Layer>,
    options: &Options,
) -> Result<Option<(Version, bool)>> {
    let Some(layer) = layer else { return Ok(None) };
    let Some(version) = layer::find(place, release, layer).await? else { return Ok(None) };
    let is_open = open::is_open(place, layer, &version, options.organization.as_deref()).await?;
    Ok(Some((version, is_open)))
}
