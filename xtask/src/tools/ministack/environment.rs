//! The variables that make ministack serve over TLS with IAM enforced, and those that make a program use it as AWS.
//!
//! This module only sets variables, because tests that start their own ministack use it, too.

use std::path::Path;
use std::process::Command;

const REGION: &str = "eu-central-1";
/// ministack takes an access key of twelve digits as the account.
const ACCOUNT: &str = "111122223333";
/// The file name of the certificate, which is trusted.
pub const CERTIFICATE: &str = "cert.pem";
/// The file name of the certificate's private key.
pub const KEY: &str = "key.pem";

/// Returns the URL of a ministack that listens on this port.
pub fn url(port: u16) -> String {
    format!("https://127.0.0.1:{port}")
}

/// Makes ministack, which this command starts, listen on this port. All files that it needs are in the folder.
pub fn serve<'a>(command: &'a mut Command, folder: &Path, port: u16) -> &'a mut Command {
    let certificate = folder.join(CERTIFICATE);
    command
        // What it starts inherits its environment.
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", folder)
        .env("LANG", "C.UTF-8")
        .env("AUTH", "true")
        .env("USE_SSL", "1")
        .env("MINISTACK_SSL_CERT", &certificate)
        .env("MINISTACK_SSL_KEY", folder.join(KEY))
        .env("MINISTACK_ACCOUNT_ID", ACCOUNT)
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("LOG_LEVEL", "WARNING")
        // The endpoint that functions use, and the certificate that they trust.
        .env("AWS_ENDPOINT_URL", url(port))
        .env("AWS_CA_BUNDLE", &certificate)
        .env("SSL_CERT_FILE", certificate)
}

/// Makes a program use the ministack at `url`, with credentials of its account and without this machine's settings.
pub fn ask<'a>(command: &'a mut Command, folder: &Path, url: &str) -> &'a mut Command {
    let foreign = std::env::vars_os().map(|(name, _)| name);
    for name in foreign.filter(|name| name.as_encoded_bytes().starts_with(b"AWS_")) {
        command.env_remove(name);
    }
    for name in ["NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        command.env(name, folder.join(CERTIFICATE));
    }
    command
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", ACCOUNT)
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        // The CDK's tool caches the account of the credentials there.
        .env("CDK_HOME", folder.join("cdk"))
}
