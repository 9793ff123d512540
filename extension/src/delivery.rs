//! From queued records to Kinesis and SQS.

pub mod aws;
pub mod dispatcher;
pub mod kinesis;
pub mod sqs;
