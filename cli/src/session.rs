//! The start of every command: credentials, region, and the first response of AWS, or the reason why there is none.

use std::io::{IsTerminal as _, stderr, stdout};
use std::time::Duration;

use anyhow::{Result, bail};
use kinesis_telemetry_args::{Color, Deployment, Global, Source};
use kinesis_telemetry_stream::{Aws, Target, Wanted, configuration_files, shards};
use kinesis_telemetry_terminal::Styles;
use tokio::time::{Instant, timeout};

use crate::deployment::Values;

/// Longest time until the first response. A person gets the reason within ten seconds.
const LIMIT: Duration = Duration::from_millis(8_500);
/// Number of columns if the output is not a terminal.
const COLUMNS: u16 = 120;

/// The options of every command.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    wanted: Wanted,
    /// Further regions, for the commands that accept several.
    more_regions: Vec<String>,
    /// Colours of stdout.
    pub(crate) styles: Styles,
}

/// A stream that exists.
pub(crate) struct Opened {
    pub(crate) aws: Aws,
    pub(crate) target: Target,
    /// The name or ARN of the stream.
    pub(crate) stream: String,
}

impl Session {
    pub(crate) fn new(global: Global) -> Self {
        let styles = match global.color {
            Color::Auto => Styles::of_output(stdout().is_terminal()),
            Color::Always => Styles::new(true),
            Color::Never => Styles::new(false),
        };
        let Global { regions, profile, .. } = global;
        let mut regions = regions.into_iter();
        let wanted = Wanted { region: regions.next(), profile };
        Self { wanted, more_regions: regions.collect(), styles }
    }

    /// Returns true if the command line has a region.
    pub(crate) fn names_regions(&self) -> bool {
        self.wanted.region.is_some()
    }

    /// Fails if the command line has several regions.
    pub(crate) fn one_region(&self) -> Result<()> {
        if !self.more_regions.is_empty() {
            bail!("this command works in one region: use --region only once");
        }
        Ok(())
    }

    /// Returns a session for each region.
    pub(crate) fn regions(&self) -> Vec<Self> {
        let mut sessions = vec![Self { more_regions: Vec::new(), ..self.clone() }];
        for region in &self.more_regions {
            let wanted = Wanted { region: Some(region.clone()), ..self.wanted.clone() };
            if sessions.iter().all(|it| it.wanted != wanted) {
                sessions.push(Self { wanted, more_regions: Vec::new(), styles: self.styles });
            }
        }
        sessions
    }

    /// Finds credentials and region, and makes the call `first`. Fails with a reason if that takes longer than [`LIMIT`].
    pub(crate) async fn connect<T>(
        &self,
        first: impl AsyncFnOnce(&Aws) -> Result<T>,
    ) -> Result<(Aws, T)> {
        let began = Instant::now();
        let left = || LIMIT.saturating_sub(began.elapsed());
        let Ok(aws) = timeout(left(), Aws::find(&self.wanted)).await else {
            bail!(
                "AWS's configuration cannot be read within {} s, or no AWS region is set and EC2's metadata service does not \
                 answer: set AWS_REGION, and check {}",
                LIMIT.as_secs(),
                configuration_files()
            );
        };
        let aws = aws?.sign_in(left()).await?;
        match timeout(left(), first(&aws)).await {
            Ok(answer) => Ok((aws, answer?)),
            Err(_) => bail!(
                "{} does not answer within {} s: check the network, AWS_REGION, AWS_ENDPOINT_URL and HTTPS_PROXY",
                aws.place("STS"),
                LIMIT.as_secs()
            ),
        }
    }

    /// Reads the values of a deployment. Fails if it does not exist.
    pub(crate) async fn deployment(&self, deployment: &Deployment) -> Result<(Aws, Values)> {
        self.connect(async |aws| Values::of(deployment, aws).await).await
    }

    /// Opens the stream of a deployment, or the named stream. Fails if it does not exist.
    pub(crate) async fn stream(&self, source: &Source) -> Result<Opened> {
        let (aws, (stream, target)) = self
            .connect(async |aws| {
                let stream = match &source.stream {
                    Some(stream) => stream.clone(),
                    None => Values::of(&source.deployment, aws).await?.get("streamArn")?.to_owned(),
                };
                let target = Target::at(&stream, aws);
                shards(&target).await?;
                Ok((stream, target))
            })
            .await?;
        Ok(Opened { aws, target, stream })
    }
}

/// Returns the columns of the terminal or of the variable `COLUMNS`, or 120.
pub(crate) fn columns() -> usize {
    let of_stderr = || Some(terminal_size::terminal_size_of(stderr())?.0.0.into());
    output_columns().or_else(of_stderr).unwrap_or(COLUMNS.into())
}

/// Returns the columns of the terminal or of the variable `COLUMNS`; `None` for a pipe or a file.
pub(crate) fn output_columns() -> Option<usize> {
    let set = std::env::var("COLUMNS").ok().and_then(|it| it.parse().ok());
    set.or_else(|| Some(terminal_size::terminal_size_of(stdout())?.0.0.into()))
}
