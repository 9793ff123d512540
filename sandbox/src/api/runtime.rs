//! The Runtime API. On managed instances the runtime asks for several invocations at a time.
//!
//! Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".

use bytes::Bytes;
use hyper::Request;
use hyper::header::HeaderValue;
use serde_json::json;

use super::has_form;
use crate::http::{Reply, error, header, json, reply};
use crate::options::Mode;
use crate::state::{Response, Shared};

/// Largest response: 6 MiB and 100 bytes.
const MAX_RESPONSE: usize = 6 * 1024 * 1024 + 100;

pub(super) async fn next(shared: &Shared) -> Reply {
    shared.update(|state| {
        state.runtime.waiting += 1;
        state.is_registration_closed = true;
    });
    let (request_id, deadline_ms, payload) = shared
        .until(|state| {
            let mut invocations = state.runtime.invocations.iter_mut();
            let invocation = invocations.find(|it| !it.is_handed_out)?;
            invocation.is_handed_out = true;
            state.runtime.waiting -= 1;
            Some((
                invocation.request_id.clone(),
                invocation.deadline_ms,
                invocation.payload.clone(),
            ))
        })
        .await;
    let mut answer = reply(200, "application/json", payload);
    for (name, value) in [
        ("lambda-runtime-aws-request-id", request_id),
        ("lambda-runtime-deadline-ms", deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", shared.options.function_arn()),
    ] {
        let value = HeaderValue::from_str(&value).expect("ids, numbers and ARNs are plain text");
        answer.headers_mut().insert(name, value);
    }
    if let Some(trace) = &shared.options.trace {
        let trace = HeaderValue::from_str(trace).expect("a trace header is plain text");
        answer.headers_mut().insert("lambda-runtime-trace-id", trace);
    }
    if let Some(tenant) = &shared.options.tenant {
        let tenant = HeaderValue::from_str(tenant).expect("Lambda's tenant ids are plain text");
        answer.headers_mut().insert("lambda-runtime-aws-tenant-id", tenant);
    }
    answer
}

/// Answers when the environment has been restored from its snapshot.
pub(super) async fn restore_next(shared: &Shared) -> Reply {
    shared.update(|state| {
        state.runtime.awaits_restore = true;
        state.is_registration_closed = true;
    });
    shared.until(|state| (!state.runtime.awaits_restore).then_some(())).await;
    reply(200, "application/json", "{}")
}

pub(super) fn answer(shared: &Shared, request: &Request<Bytes>, id: &str, is_error: bool) -> Reply {
    let body = request.body().clone();
    let is_too_large = body.len() > MAX_RESPONSE;
    let error_type = match (is_error, is_too_large) {
        (_, true) => Some("Function.ResponseSizeTooLarge".to_owned()),
        (true, _) => {
            Some(kept(header(request, "lambda-runtime-function-error-type").unwrap_or_default()))
        }
        (false, _) => None,
    };
    shared.update(|state| {
        let invocation = state.runtime.invocation(id);
        let Some(invocation) = invocation.filter(|it| it.is_handed_out && it.response.is_none())
        else {
            // Managed instances have a status of their own for a late response.
            let status = if shared.options.mode == Mode::ManagedInstances { 410 } else { 400 };
            return error(status, "InvalidRequestID", "Invalid request ID");
        };
        let after = invocation.started.elapsed();
        invocation.response = Some(Response { after, body, error_type });
        if is_too_large {
            return error(
                413,
                "RequestEntityTooLarge",
                "Exceeded maximum allowed payload size (6291556 bytes).",
            );
        }
        json(202, &json!({ "status": "OK" }))
    })
}

pub(super) fn init_error(shared: &Shared, request: &Request<Bytes>) -> Reply {
    let error_type =
        kept(header(request, "lambda-runtime-function-error-type").unwrap_or_default());
    shared.update(|state| state.runtime.init_error = Some(error_type));
    json(202, &json!({ "status": "OK" }))
}

/// Returns the error type if Lambda keeps it, or else the name that Lambda gives it.
fn kept(error_type: &str) -> String {
    if ["Runtime.", "Function."].iter().any(|prefix| has_form(error_type, prefix)) {
        return error_type.to_owned();
    }
    let known =
        if error_type.starts_with("Function.") { "Function.Unknown" } else { "Runtime.Unknown" };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_types_of_our_own_making_get_lambdas_name() {
        for (given, expected) in [
            ("Function.MyError", "Function.MyError"),
            ("Runtime.ExitError", "Runtime.ExitError"),
            ("Function.x", "Function.Unknown"),
            ("MyError", "Runtime.Unknown"),
            ("", "Runtime.Unknown"),
        ] {
            assert_eq!(kept(given), expected, "{given}");
        }
    }
}
