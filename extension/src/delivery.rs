//! From queued records to Kinesis and SQS.

pub(crate) mod aws;
pub(crate) mod dispatcher;
pub(crate) mod kinesis;
pub(crate) mod sqs;
