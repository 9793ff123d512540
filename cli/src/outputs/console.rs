//! Links to pages of the AWS console. Pure.

use crate::deployment::Values;

/// Returns the links to a deployment's resources, each with its title.
pub(super) fn links(values: &Values, region: &str) -> Vec<(&'static str, String)> {
    let value = |key: &str| values.0.get(key).map(String::as_str);
    let partition = value("streamArn").and_then(|arn| arn.split(':').nth(1)).unwrap_or("aws");
    let domain = match partition {
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    };
    // The stream and the queue may be in another region.
    let page = |service: &str, region: &str, place: &str| {
        format!("https://{region}.{domain}/{service}/home?region={region}#{place}")
    };
    let stack = value("stackName").map(|name| {
        page("cloudformation", region, &format!("/stacks?filteringText={}", encoded(name)))
    });
    let stream = value("streamArn").and_then(|arn| {
        let (region, name) = (arn.split(':').nth(3)?, arn.rsplit_once('/')?.1);
        Some(page("kinesis", region, &format!("/streams/details/{}/monitoring", encoded(name))))
    });
    let queue = value("deadLetterQueueUrl").map(|url| {
        let of_queue = url.strip_prefix("https://sqs.").and_then(|it| it.split_once('.'));
        let region = of_queue.map_or(region, |(region, _)| region);
        page("sqs/v3", region, &format!("/queues/{}", encoded(url)))
    });
    let function = value("testFunctionName")
        .map(|name| page("lambda", region, &format!("/functions/{}", encoded(name))));
    let policy = value("policyArn")
        .map(|arn| format!("https://{domain}/iam/home#/policies/details/{}", encoded(arn)));
    let links = [
        ("stack", stack),
        ("stream", stream),
        ("dead letters", queue),
        ("test function", function),
        ("policy", policy),
    ];
    links.into_iter().filter_map(|(what, link)| Some((what, link?))).collect()
}

/// Percent-encodes all characters except unreserved ones (RFC 3986, section 2.3).
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_region_and_partition_of_the_resource() {
        let values = [
            ("stackName", "KinesisTelemetry-dev"),
            ("streamArn", "arn:aws-cn:kinesis:cn-north-1:111122223333:stream/telemetry"),
            (
                "deadLetterQueueUrl",
                "https://sqs.cn-northwest-1.amazonaws.com.cn/111122223333/letters",
            ),
        ];
        let values = Values(values.map(|(key, value)| (key, value.to_owned())).into());
        let links = links(&values, "cn-northwest-1");
        let expected = [
            (
                "stack",
                "https://cn-northwest-1.console.amazonaws.cn/cloudformation/home?region=cn-northwest-1#/stacks?filteringText=KinesisTelemetry-dev",
            ),
            (
                "stream",
                "https://cn-north-1.console.amazonaws.cn/kinesis/home?region=cn-north-1#/streams/details/telemetry/monitoring",
            ),
            (
                "dead letters",
                "https://cn-northwest-1.console.amazonaws.cn/sqs/v3/home?region=cn-northwest-1#/queues/https%3A%2F%2Fsqs.cn-northwest-1.amazonaws.com.cn%2F111122223333%2Fletters",
            ),
        ];
        assert_eq!(links, expected.map(|(what, link)| (what, link.to_owned())));
    }
}
