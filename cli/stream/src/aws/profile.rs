//! The profile whose credentials and region are used, and the files in which AWS tools look for it.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use aws_config::profile::{self, ProfileSet};

use super::causes::in_a_line;

/// Variables that name a profile, in the order in which the CDK's tool reads them.
const VARIABLES: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
/// Variables that name the files, each with the default if it is not set.
const FILES: [(&str, &str); 2] =
    [("AWS_CONFIG_FILE", "~/.aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")];
/// The name of the profile if no variable names one.
const DEFAULT: &str = "default";
/// Number of `source_profile` links that are followed to the credentials.
const MOST_LINKS: usize = 8;
/// The number of profiles that a message lists.
const MOST_LISTED: usize = 10;

/// The way in which a profile gets its credentials; it decides the advice if they are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SignIn {
    Sso,
    Login,
    Mfa,
    Process,
    Other,
}

/// The profile that a command line or the environment selects.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) name: String,
    /// The variable or option that names it.
    pub(super) variable: Option<&'static str>,
    sign_in: SignIn,
}

impl Profile {
    /// Reads the profile that `wanted` or else the environment names. Fails if no file has it.
    pub(super) async fn selected(wanted: Option<&str>) -> Result<Self> {
        let set = |name: &&'static str| {
            let value = env::var_os(name).filter(|it| !it.is_empty())?;
            Some((*name, value.to_string_lossy().into_owned()))
        };
        let typed = wanted.map(|name| ("--profile", name.to_owned()));
        let named = typed.or_else(|| VARIABLES.iter().find_map(set));
        let (variable, name) =
            named.map_or((None, DEFAULT.to_owned()), |(variable, name)| (Some(variable), name));
        let (fs, env, files_of_env) = Default::default();
        let profiles = profile::load(&fs, &env, &files_of_env, None).await.map_err(|error| {
            anyhow!("the AWS configuration cannot be read: {}", in_a_line(&error))
        })?;
        if let Some(variable) = variable
            && profiles.get_profile(&name).is_none()
        {
            bail!(unknown(variable, &name, &profiles));
        }
        let sign_in = sign_in(&profiles, &name);
        Ok(Self { name, variable, sign_in })
    }

    /// Describes the profile for a message, with the variable that names it.
    pub(super) fn described(&self) -> String {
        let variable = self.variable.map(|it| format!(" ({it})")).unwrap_or_default();
        format!("the profile {:?}{variable}", self.name)
    }

    /// Returns the AWS CLI command that prints the credentials of `aws login`. The SDK needs 26 more crates to read them.
    pub(super) fn process(&self) -> Option<String> {
        let name = self.name.replace('\'', r"'\''");
        let command =
            format!("aws configure export-credentials --profile '{name}' --format process");
        (self.sign_in == SignIn::Login).then_some(command)
    }

    /// Returns the advice for a profile that provides no credentials.
    pub(super) fn remedy(&self) -> String {
        let name = &self.name;
        match self.sign_in {
            SignIn::Sso => format!("run aws sso login --profile {name}"),
            SignIn::Login => format!("run aws login --profile {name}"),
            SignIn::Mfa => format!(
                "this program cannot ask for the code of its mfa_serial: set the variables that aws configure \
                 export-credentials --profile {name} --format env prints, and unset AWS_PROFILE"
            ),
            SignIn::Process => "run its credential_process in a shell to see why".to_owned(),
            SignIn::Other => format!(
                "check it with aws sts get-caller-identity --profile {name}, or set AWS_PROFILE to another profile"
            ),
        }
    }
}

/// Lists the files that were searched, with the reason for each that cannot be read.
pub(super) fn files() -> String {
    FILES.map(|(variable, default)| described(&path(variable, default))).join(" and ")
}

fn path(variable: &str, default: &str) -> PathBuf {
    let path = env::var_os(variable).map_or_else(|| PathBuf::from(default), PathBuf::from);
    match (path.strip_prefix("~"), env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path,
    }
}

fn described(path: &Path) -> String {
    let trouble = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Some("which does not exist".to_owned())
        }
        Err(error) => Some(format!("which cannot be read: {error}")),
        // Opening a pipe or a device might block.
        Ok(it) if it.is_file() => {
            fs::File::open(path).err().map(|error| format!("which cannot be read: {error}"))
        }
        Ok(_) => None,
    };
    let trouble = trouble.map(|it| format!(" ({it})")).unwrap_or_default();
    format!("{}{trouble}", path.display())
}

fn unknown(variable: &str, name: &str, profiles: &ProfileSet) -> String {
    let mut names: Vec<_> = profiles.profiles().map(|it| format!("{it:?}")).collect();
    names.sort_unstable();
    if names.len() > MOST_LISTED {
        names.truncate(MOST_LISTED);
        names.push("…".to_owned());
    }
    let choice = match names.as_slice() {
        [] => format!("unset {variable}"),
        names => format!("set {variable} to an existing one ({}), unset it", names.join(", ")),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-/.%@:+".contains(c);
    let rule = if name.chars().all(plain) {
        ""
    } else {
        " (SDKs accept only letters, digits and _-/.%@:+ in names)"
    };
    format!(
        "{variable} is {name:?}, but there is no such profile in {}{rule}: {choice}, or add [profile NAME] to the first file or \
         [NAME] to the second, as aws configure does",
        files()
    )
}

/// Follows the profiles from which roles are assumed to the one that has credentials.
fn sign_in(profiles: &ProfileSet, name: &str) -> SignIn {
    let mut next = profiles.get_profile(name);
    for _ in 0..MOST_LINKS {
        let Some(profile) = next else { break };
        let has = |keys: &[&str]| keys.iter().any(|key| profile.get(key).is_some());
        if has(&["mfa_serial"]) {
            return SignIn::Mfa;
        }
        if has(&["sso_session", "sso_start_url", "sso_account_id"]) {
            return SignIn::Sso;
        }
        if has(&["login_session"]) {
            return SignIn::Login;
        }
        if has(&["credential_process"]) {
            return SignIn::Process;
        }
        next = profile.get("source_profile").and_then(|name| profiles.get_profile(name));
    }
    SignIn::Other
}
