//! The region, and where its name comes from.

use std::env;

use anyhow::{Result, bail};

use super::profile::{self, Profile};

/// Variables that name a region, in the order in which the SDK reads them.
const VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// Returns the region if its name is well formed. `found` is the SDK's region, and `option` is the command line option that named
/// it.
pub(super) fn checked(
    found: Option<String>,
    option: Option<&str>,
    profile: &Profile,
) -> Result<String> {
    let Some(region) = found else {
        bail!(
            "no AWS region is set: set AWS_REGION, or region in {} of {}, or use --region",
            profile.described(),
            profile::files()
        );
    };
    if is_region(&region) {
        return Ok(region);
    }
    // The SDK also uses a variable that is set to an empty value.
    let variable = VARIABLES.iter().copied().find(|name| env::var_os(name).is_some());
    let source = option.or(variable).map_or_else(|| profile.described(), str::to_owned);
    let zone = region.strip_suffix(|c: char| c.is_ascii_lowercase()).filter(|it| is_region(it));
    let hint = match zone {
        Some(region) => format!("it is an availability zone of {region}: set {region}"),
        None => "set it to a name such as eu-central-1".to_owned(),
    };
    bail!("{region:?} is not the name of an AWS region (from {source}): {hint}")
}

/// Returns true for words of letters and a final number, joined with hyphens: `eu-central-1`, `us-gov-west-1`.
pub fn is_region(name: &str) -> bool {
    let mut words = name.split('-').rev();
    let number = words.next().unwrap_or_default();
    let is_number = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|it| it.is_ascii_lowercase());
    let words: Vec<_> = words.collect();
    is_number && words.len() >= 2 && words.into_iter().all(is_word)
}

#[cfg(test)]
mod tests {
    use super::is_region;

    #[test]
    fn region_names_of_all_partitions_are_recognized() {
        for region in [
            "us-east-1",
            "ap-southeast-7",
            "us-gov-west-1",
            "cn-northwest-1",
            "us-isob-east-1",
            "eusc-de-east-1",
        ] {
            assert!(is_region(region), "{region}");
        }
        for other in [
            "",
            " ",
            "eu",
            "eu-1",
            "eu-central",
            "eu-central-1a",
            "eu-central-1 ",
            "EU-CENTRAL-1",
            "eu_central_1",
            "eucentral1",
            "eu--central-1",
            "-central-1",
            "eu-central-",
            "Frankfurt",
            "eu-central-1.amazonaws.com",
            "eu-central-1/x",
            "eu-central-١",
        ] {
            assert!(!is_region(other), "{other}");
        }
    }
}
