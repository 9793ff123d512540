//! Provides credentials from variables or from an endpoint. Functions with `SnapStart` have no keys in their variables,
//! because the snapshot would contain them. Lambda has no other source, and each further one would slow down cold
//! starts.
//!
//! It replaces the SDK's container provider, which rejects the link-local addresses of Lambda's APIs: it accepts only
//! those of ECS and EKS. Source: Lambda's emulator, `rapi/handler/credentials.go`; AWS SDKs and Tools Reference Guide,
//! "Container credential provider".

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use extension_spec::printable;
use http_body_util::{BodyExt as _, Limited};
use hyper::Uri;
use serde::Deserialize;

use super::near::is_near;
use super::{Connector, causes};

/// The largest response that is read, in bytes. Credentials take about 2 KB.
const MAX_ANSWER: usize = 64 * 1024;

/// The source of credentials, according to the environment.
#[derive(Clone, Debug)]
pub enum Origin {
    /// Keys in variables. They do not change during the life of the environment.
    Variables(Credentials),
    /// An endpoint, which is asked again when credentials expire.
    Endpoint {
        /// `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
        uri: String,
        /// `AWS_CONTAINER_AUTHORIZATION_TOKEN`.
        token: Option<String>,
    },
    /// Keys that no request can carry. The text states why, without their values.
    Unusable(String),
    /// No credentials are configured.
    Nowhere,
}

impl Origin {
    /// Reads the variables that AWS defines. As in every SDK, keys have precedence over an endpoint.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let keys = get("AWS_ACCESS_KEY_ID").zip(get("AWS_SECRET_ACCESS_KEY"));
        if let Some((id, secret)) = keys {
            let token = get("AWS_SESSION_TOKEN");
            let set = [
                ("AWS_ACCESS_KEY_ID", Some(&id)),
                ("AWS_SECRET_ACCESS_KEY", Some(&secret)),
                ("AWS_SESSION_TOKEN", token.as_ref()),
            ];
            if let Some(wrong) = unusable(set) {
                return Self::Unusable(format!("{wrong}; remove that from its value"));
            }
            return Self::Variables(Credentials::new(id, secret, token, None, "Environment"));
        }
        let Some(uri) = get("AWS_CONTAINER_CREDENTIALS_FULL_URI") else { return Self::Nowhere };
        let token = get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
        match unusable([("AWS_CONTAINER_AUTHORIZATION_TOKEN", token.as_ref())]) {
            Some(wrong) => Self::Unusable(format!("{wrong}; remove that from its value")),
            None => Self::Endpoint { uri, token },
        }
    }

    /// True if credentials can be renewed.
    pub fn is_renewable(&self) -> bool {
        matches!(self, Self::Endpoint { .. })
    }
}

/// Provides the SDK with credentials.
#[derive(Debug)]
pub(super) struct Provider {
    origin: Origin,
    connector: Connector,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

impl Provider {
    pub(super) fn new(origin: Origin, connector: Connector) -> Self {
        Self { origin, connector }
    }

    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        match &self.origin {
            Origin::Variables(credentials) => Ok(credentials.clone()),
            Origin::Endpoint { uri, token } => self.ask(uri, token.as_deref()).await,
            Origin::Unusable(why) => Err(CredentialsError::invalid_configuration(why.as_str())),
            Origin::Nowhere => {
                let why = "no credentials: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor \
                           AWS_CONTAINER_CREDENTIALS_FULL_URI is set";
                Err(CredentialsError::not_loaded(why))
            }
        }
    }

    async fn ask(&self, uri: &str, token: Option<&str>) -> Result<Credentials, CredentialsError> {
        let shown = printable(uri);
        if !may_be_told(uri) {
            let why = format!(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI={shown:?}: use HTTPS, or an address of this machine (loopback or link-local)"
            );
            return Err(CredentialsError::invalid_configuration(why));
        }
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            let remedy = causes::certificate_remedy(&*error);
            let mut why = vec![error.to_string()];
            if error.source().is_some() {
                why.extend(causes::of(&*error));
            }
            let why = why.join(": ");
            CredentialsError::provider_error(format!("no credentials from {shown}: {why}{remedy}"))
        };
        let (status, body) = self.connector.get(uri, token).await.map_err(failed)?;
        if status != 200 {
            return Err(failed(format!("HTTP status {status}").into()));
        }
        let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(failed)?.to_bytes();
        read(&body).map_err(|why| failed(why.into()))
    }
}

impl ProvideCredentials for Provider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

/// True if the token may be sent to this URI. Plain HTTP is allowed only to addresses that cannot be on another
/// machine; a host name could be.
fn may_be_told(uri: &str) -> bool {
    let Ok(uri) = uri.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default();
    match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_near(host),
        _ => false,
    }
}

/// Returns which of these values no request can carry, and why, without the value itself.
fn unusable<'a>(
    values: impl IntoIterator<Item = (&'static str, Option<&'a String>)>,
) -> Option<String> {
    let (name, value) = values
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .find(|(_, value)| !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)))?;
    let has_break = value.contains(['\n', '\r']);
    let what = if has_break { "a line break" } else { "a character that is not printable ASCII" };
    Some(format!("{name} holds {what}"))
}

fn read(body: &[u8]) -> Result<Credentials, String> {
    // The response may contain secrets, so the log does not quote it.
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        format!("the response is not a set of credentials (column {})", error.column())
    })?;
    let expiry = answer.expiration.as_deref().map(|time| {
        humantime::parse_rfc3339(time)
            .map_err(|_| format!("they expire at {:?}, which is not a time", printable(time)))
    });
    let expiry: Option<SystemTime> = expiry.transpose()?;
    let Answer { access_key_id, secret_access_key, token, .. } = answer;
    let held = [
        ("AccessKeyId", Some(&access_key_id)),
        ("SecretAccessKey", Some(&secret_access_key)),
        ("Token", token.as_ref()),
    ];
    if let Some(wrong) = unusable(held) {
        return Err(wrong);
    }
    Ok(Credentials::new(access_key_id, secret_access_key, token, expiry, "Container"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(variables: &[(&str, &str)]) -> Origin {
        Origin::read(|name| {
            let set = variables.iter().find(|(it, _)| *it == name);
            set.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn keys_in_variables_come_before_an_endpoint_and_must_be_whole() {
        let endpoint = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/");
        let (id, secret) = (("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "S"));
        let from_variables = origin(&[endpoint, id, secret]);
        assert!(matches!(&from_variables, Origin::Variables(it) if it.access_key_id() == "A"));
        assert!(!from_variables.is_renewable());
        assert!(origin(&[endpoint, id]).is_renewable());
        assert!(matches!(origin(&[secret]), Origin::Nowhere));
    }

    #[test]
    fn unusable_keys_are_named_without_their_values() {
        let (id, secret, token) =
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN");
        let (uri, authorization) =
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN");
        for (variables, wrong) in [
            (
                [(id, "hidden\n"), (secret, "S"), (token, "T")],
                "AWS_ACCESS_KEY_ID holds a line break",
            ),
            (
                [(id, "A"), (secret, "hid\r\nden"), (token, "T")],
                "AWS_SECRET_ACCESS_KEY holds a line break",
            ),
            (
                [(id, "A"), (secret, "S"), (token, "hidden\0")],
                "AWS_SESSION_TOKEN holds a character that is not",
            ),
            (
                [(id, "é"), (secret, "S"), (token, "T")],
                "AWS_ACCESS_KEY_ID holds a character that is not",
            ),
            (
                [(uri, "http://127.0.0.1/"), (authorization, "hidden\n"), ("", "")],
                "AWS_CONTAINER_AUTHORIZATION_TOKEN holds a line break",
            ),
        ] {
            let Origin::Unusable(why) = origin(&variables) else { panic!("{wrong}") };
            assert!(why.starts_with(wrong) && !why.contains("hid"), "{why}");
        }
        let body = br#"{"AccessKeyId":"A","SecretAccessKey":"hidden\n","Token":"T"}"#;
        assert_eq!(read(body).unwrap_err(), "SecretAccessKey holds a line break");
    }

    #[test]
    fn a_token_is_sent_in_clear_text_only_to_this_machine() {
        for good in [
            "http://127.0.0.1:9001/2021-04-23/credentials",
            "http://169.254.100.1:9001/2021-04-23/credentials",
            "http://169.254.170.23/v1/credentials",
            "http://localhost/credentials",
            "http://[::1]/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
            "https://keys.example.com/credentials",
        ] {
            assert!(may_be_told(good), "{good}");
        }
        for bad in [
            "http://10.0.0.1/credentials",
            "http://169.254.100.1.example.com/credentials",
            "http://keys.example.com/credentials",
            "ftp://127.0.0.1/credentials",
            "/credentials",
            "",
        ] {
            assert!(!may_be_told(bad), "{bad}");
        }
    }

    #[test]
    fn credentials_are_read_with_their_expiry() {
        let body = br#"{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T","Expiration":"2026-08-09T12:00:00Z","More":1}"#;
        let credentials = read(body).unwrap();
        assert_eq!((credentials.access_key_id(), credentials.session_token()), ("A", Some("T")));
        let expiry = humantime::parse_rfc3339("2026-08-09T12:00:00Z").unwrap();
        assert_eq!(credentials.expiry(), Some(expiry));
        let lasting = read(br#"{"AccessKeyId":"A","SecretAccessKey":"S"}"#).unwrap();
        assert_eq!((lasting.session_token(), lasting.expiry()), (None, None));
    }

    #[test]
    fn invalid_credentials_are_reported_without_their_secrets() {
        for body in ["", "[]", r#"{"AccessKeyId":"hidden"}"#, r#"{"AccessKeyId":1}"#] {
            let why = read(body.as_bytes()).unwrap_err();
            assert!(why.starts_with("the response is not a set of credentials"), "{why}");
            assert!(!why.contains("hidden"), "{why}");
        }
        let body = br#"{"AccessKeyId":"A","SecretAccessKey":"S","Expiration":"soon"}"#;
        assert_eq!(read(body).unwrap_err(), "they expire at \"soon\", which is not a time");
    }
}
