//! A fake Kinesis: it accepts every record at once, and counts them.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extension_spec::limits::PAYLOAD_UNIT_BYTES;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde::Deserialize;
use tempfile::NamedTempFile;

use super::http::Connection;
use crate::watched::Watched;

/// The name of the stream.
pub(crate) const STREAM: &str = "telemetry";

/// The protocol below the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Http,
    /// TLS, as in production.
    Https,
}

/// A stream on a port of loopback, which extensions use one after the other.
pub(crate) struct Kinesis {
    port: u16,
    /// The certificate to trust, for HTTPS.
    bundle: Option<NamedTempFile>,
    taken: Arc<Watched<Taken>>,
}

/// The counts of accepted records since the last reset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    /// The time of the response to the first request.
    pub(crate) first: Option<Instant>,
    /// The time of the response to the last request.
    pub(crate) last: Option<Instant>,
    pub(crate) requests: u64,
    pub(crate) records: u64,
    /// Lines in the records.
    pub(crate) lines: u64,
    /// Units of 25 KB that a provisioned stream would bill.
    pub(crate) units: u64,
}

impl Kinesis {
    pub(crate) fn start(transport: Transport) -> Result<Self> {
        let (config, bundle) = match transport {
            Transport::Http => (None, None),
            Transport::Https => {
                let (config, bundle) = certificate()?;
                (Some(Arc::new(config)), Some(bundle))
            }
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let taken = Arc::<Watched<Taken>>::default();
        let serving = Arc::clone(&taken);
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let (config, taken) = (config.clone(), Arc::clone(&serving));
                thread::spawn(move || accept(client, config, &taken));
            }
        });
        Ok(Self { port, bundle, taken })
    }

    /// Returns the value of `AWS_ENDPOINT_URL_KINESIS`: a name, which the extension resolves as in production.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.bundle.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.port)
    }

    /// Returns the value of `AWS_CA_BUNDLE`, for HTTPS.
    pub(crate) fn bundle(&self) -> Option<&Path> {
        self.bundle.as_ref().map(NamedTempFile::path)
    }

    /// Resets the counts to zero.
    pub(crate) fn reset(&self) {
        self.taken.change(|taken| *taken = Taken::default());
    }

    pub(crate) fn taken(&self) -> Taken {
        self.taken.get()
    }

    /// Waits until this many lines were accepted, for at most `timeout`, and returns the counts.
    pub(crate) fn until(&self, lines: u64, timeout: Duration) -> Taken {
        let enough = |taken: &mut Taken| (taken.lines >= lines).then(|| taken.clone());
        self.taken.until(timeout, enough).unwrap_or_else(|| self.taken())
    }
}

/// Makes a certificate, and writes it to a file for those who are to trust it.
fn certificate() -> Result<(ServerConfig, NamedTempFile)> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())?;
    let bundle = NamedTempFile::new().context("no file for the certificate can be made")?;
    std::fs::write(bundle.path(), cert.pem()).context("the certificate cannot be written")?;
    Ok((config, bundle))
}

fn accept(client: TcpStream, config: Option<Arc<ServerConfig>>, taken: &Watched<Taken>) {
    _ = client.set_nodelay(true);
    match config.map(ServerConnection::new) {
        None => serve(Connection::new(client), taken),
        Some(Ok(tls)) => serve(Connection::new(StreamOwned::new(tls, client)), taken),
        Some(Err(_)) => {}
    }
}

fn serve<S: Read + Write>(mut connection: Connection<S>, taken: &Watched<Taken>) {
    // The connection ends with the extension.
    while let Ok(request) = connection.receive() {
        let Ok(records) = records(&request.body) else { return };
        let result = r#"{"SequenceNumber":"49590338271490256608559692538361571095921575989136588898","ShardId":"shardId-000000000000"}"#;
        let results = vec![result; records.len()].join(",");
        let reply = format!(r#"{{"FailedRecordCount":0,"Records":[{results}]}}"#);
        if connection.reply("Content-Type: application/x-amz-json-1.1\r\n", &reply).is_err() {
            return;
        }
        let now = Instant::now();
        taken.change(|taken| {
            taken.first.get_or_insert(now);
            taken.last = Some(now);
            taken.requests += 1;
            for (lines, bytes) in records {
                taken.records += 1;
                taken.lines += lines;
                taken.units += units(bytes);
            }
        });
    }
}

/// Returns the PUT payload units that a provisioned stream bills for a record of `bytes` (docs/cost.md).
///
/// The bytes include the partition key.
fn units(bytes: u64) -> u64 {
    bytes.div_ceil(PAYLOAD_UNIT_BYTES).max(1)
}

/// Returns the lines of each record of a request, and its bytes with the partition key.
fn records(body: &[u8]) -> io::Result<Vec<(u64, u64)>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct PutRecords<'a> {
        #[serde(borrow)]
        records: Vec<Entry<'a>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Entry<'a> {
        data: &'a str,
        partition_key: String,
    }
    let request: PutRecords<'_> = serde_json::from_slice(body).map_err(io::Error::other)?;
    let record = |entry: &Entry<'_>| {
        let data = STANDARD.decode(entry.data).map_err(io::Error::other)?;
        let lines = data.split(|byte| *byte == b'\n').count().saturating_sub(1);
        Ok((lines as u64, (data.len() + entry.partition_key.len()) as u64))
    };
    request.records.iter().map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::{records, units};

    #[test]
    fn lines_and_bytes_of_each_record_are_counted() {
        let body = br#"{"StreamName":"s","Records":[{"Data":"YQpiCg==","PartitionKey":"key"}]}"#;
        assert_eq!(records(body).unwrap(), [(2, 7)]);
        assert!(records(b"{}").is_err());
    }

    #[test]
    fn a_record_is_billed_in_whole_units() {
        assert_eq!([1, 25_600, 25_601].map(units), [1, 1, 2]);
    }
}
