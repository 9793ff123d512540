//! The regions to publish to.

use std::fs;

use anyhow::{Context as _, Result, bail};
use kinesis_telemetry_stream::is_region;

use crate::options::Options;

/// Returns the regions of the command line or of its file, each once. The first one signs.
pub(crate) fn selected(options: &Options) -> Result<Vec<String>> {
    let named = match &options.regions_file {
        Some(path) => {
            let text = fs::read_to_string(path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            parsed(&text)
        }
        None => options.regions.iter().map(|it| it.trim().to_owned()).collect(),
    };
    let mut regions: Vec<String> = Vec::new();
    for region in named {
        if !is_region(&region) {
            bail!("{region:?} is not the name of an AWS region: use a name such as eu-central-1");
        }
        if !regions.contains(&region) {
            regions.push(region);
        }
    }
    if regions.is_empty() {
        bail!("no region is named: add one to the file, or use --regions");
    }
    Ok(regions)
}

/// Returns the words before `#` of each line that has any.
fn parsed(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.split('#').next());
    lines.map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{Options, selected};

    fn of(words: &str) -> Result<Vec<String>, String> {
        let words = ["publish", "folder", "--dry-run"].into_iter().chain(words.split(' '));
        let options = <Options as clap::Parser>::try_parse_from(words).unwrap();
        selected(&options).map_err(|it| it.to_string())
    }

    #[test]
    fn regions_are_read_once_each_in_their_order() {
        let expected = ["us-east-1", "eu-central-1"].map(str::to_owned).to_vec();
        assert_eq!(
            of("--regions us-east-1,eu-central-1 --regions us-east-1"),
            Ok(expected.clone())
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "# of the partition aws\nus-east-1\n\neu-central-1 # Frankfurt\n")
            .unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(of(&format!("--regions-file {path}")), Ok(expected));
    }

    #[test]
    fn a_name_that_is_no_region_is_refused() {
        let error = of("--regions us-east-1a").unwrap_err();
        assert!(error.starts_with("\"us-east-1a\" is not the name of an AWS region"), "{error}");
        let empty = tempfile::NamedTempFile::new().unwrap();
        let path = empty.path().to_str().unwrap();
        assert!(of(&format!("--regions-file {path}")).unwrap_err().contains("no region is named"));
    }

    #[test]
    fn the_regions_of_this_project_are_regions() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/regions.txt");
        assert!(of(&format!("--regions-file {path}")).unwrap().len() > 10);
    }
}
