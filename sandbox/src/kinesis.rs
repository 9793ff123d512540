//! A fake Kinesis: one stream with `PutRecords`, the service's limits, and fault injection.
//!
//! It exists because no emulator rejects single records, and because tests must know which requests are in flight at a given
//! moment. It checks no signatures and keeps every record.

pub mod faults;
mod request;
mod shards;
mod stream;

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use crate::http::Server;
use faults::Faults;
pub use shards::Throughput;
use stream::Stream;

/// A stream on a port of loopback. It ends when it is dropped.
#[derive(Debug)]
pub struct Kinesis {
    stream: Arc<Stream>,
    server: Server,
}

/// A record that the stream accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Decoded.
    pub data: Bytes,
    /// The partition key of the request.
    pub partition_key: String,
    /// The time at which the stream accepted the record.
    pub arrived: SystemTime,
    /// The shard that took it, from 0.
    pub shard: usize,
}

impl Kinesis {
    /// Starts a stream with this name, one shard and unlimited throughput.
    pub async fn start(stream: &str) -> std::io::Result<Arc<Self>> {
        let stream = Arc::new(Stream::new(stream));
        let shared = stream.clone();
        let handle = move |request| {
            let stream = shared.clone();
            async move { stream.handle(request).await }
        };
        let server = Server::start(handle).await?;
        Ok(Arc::new(Self { stream, server }))
    }

    /// The endpoint, for `AWS_ENDPOINT_URL_KINESIS`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// The name of the stream.
    pub fn stream(&self) -> &str {
        &self.stream.name
    }

    /// Replaces the faults that requests meet, from the next request on.
    pub fn set_faults(&self, faults: Faults) {
        self.stream.state().faults = faults;
    }

    /// Gives the stream this many shards, at least one, with equal hash ranges.
    pub fn set_shards(&self, count: usize) {
        self.stream.state().shards.resize(count);
    }

    /// Limits the throughput of every shard; `None` removes the limit. Records beyond the limit are rejected one by
    /// one.
    pub fn set_throughput(&self, throughput: Option<Throughput>) {
        self.stream.state().shards.limit(throughput);
    }

    /// Changes the size of the largest record, partition key included: `MaxRecordSizeInKiB`, in bytes. Kinesis allows 1
    /// MiB to 10 MiB. This stream has no minimum, and the same maximum.
    pub fn set_max_record_bytes(&self, bytes: usize) {
        self.stream.state().max_record = bytes.min(request::LARGEST_RECORD);
    }

    /// Rejects requests that were signed with these access keys, because the credentials have expired.
    pub fn set_expired<S: Into<String>>(&self, access_keys: impl IntoIterator<Item = S>) {
        self.stream.state().expired = access_keys.into_iter().map(Into::into).collect();
    }

    /// Returns the access key ids of requests, in order. Consecutive requests with the same id are listed once.
    pub fn access_keys(&self) -> Vec<String> {
        self.stream.state().access_keys.clone()
    }

    /// Returns the shard of a record with this partition key, counted from 0.
    pub fn shard_of(&self, partition_key: &str) -> usize {
        self.stream.state().shards.of(partition_key, None)
    }

    /// Returns the records that were accepted so far.
    pub fn records(&self) -> Vec<Record> {
        self.stream.state().records.clone()
    }

    /// Returns the number of single records that were rejected so far in requests that succeeded.
    pub fn refused(&self) -> u64 {
        self.stream.state().refused
    }

    /// Returns the number of requests so far.
    pub fn requests(&self) -> u64 {
        self.stream.in_flight.count()
    }

    /// Returns the numbers of the requests that are not answered yet. Requests count from 1.
    pub fn in_flight(&self) -> Vec<u64> {
        self.stream.in_flight.in_flight()
    }

    /// Returns true if the sender of this request disconnected before the answer.
    pub fn was_abandoned(&self, request: u64) -> bool {
        self.stream.in_flight.was_abandoned(request)
    }

    /// Returns the number of connections that were accepted so far.
    pub fn connections(&self) -> u64 {
        self.server.accepted()
    }

    /// Closes every connection without an answer, as a freeze does.
    pub(crate) fn close_connections(&self) {
        self.stream.in_flight.cut();
        self.server.close_connections();
    }
}
