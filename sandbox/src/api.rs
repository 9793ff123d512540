//! Routes the requests of the three APIs at `AWS_LAMBDA_RUNTIME_API`.

mod extensions;
mod runtime;
mod telemetry;

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};

use crate::http::{Reply, error, reply};
use crate::options::Mode;
use crate::state::Shared;

/// The largest body that is read. A function's response may have 6 MiB; a larger one must be recognised as too large.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// Answers one request.
pub(crate) async fn handle(shared: Arc<Shared>, request: Request<Incoming>) -> Reply {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return error(413, "RequestEntityTooLarge", "the body is too large");
    };
    route(&shared, &Request::from_parts(parts, body.to_bytes())).await
}

async fn route(shared: &Shared, request: &Request<Bytes>) -> Reply {
    let path = request.uri().path();
    let method = request.method();
    if let Some(rest) = path.strip_prefix("/2020-01-01/extension/") {
        return match (method, rest) {
            (&Method::POST, "register") => extensions::register(shared, request),
            (&Method::GET, "event/next") => extensions::next(shared, request).await,
            (&Method::POST, "init/error") => extensions::init_error(shared, request),
            (&Method::POST, "exit/error") => extensions::exit_error(shared, request),
            (_, "register" | "event/next" | "init/error" | "exit/error") => not_allowed(),
            _ => not_found(),
        };
    }
    if let Some(rest) = path.strip_prefix("/2018-06-01/") {
        return match (method, rest) {
            (&Method::GET, "ping") => reply(200, "text/plain; charset=utf-8", "pong"),
            (&Method::GET, "runtime/invocation/next") => runtime::next(shared).await,
            (&Method::GET, "runtime/restore/next") if shared.options.mode == Mode::SnapStart => {
                runtime::restore_next(shared).await
            }
            (&Method::POST, "runtime/restore/error") if shared.options.mode == Mode::SnapStart => {
                runtime::init_error(shared, request)
            }
            (&Method::POST, "runtime/init/error") => runtime::init_error(shared, request),
            (&Method::POST, rest) => {
                match rest.strip_prefix("runtime/invocation/").and_then(|it| it.split_once('/')) {
                    Some((id, "response")) => runtime::answer(shared, request, id, false),
                    Some((id, "error")) => runtime::answer(shared, request, id, true),
                    _ => not_found(),
                }
            }
            _ => not_found(),
        };
    }
    match (method, path.trim_end_matches('/')) {
        (&Method::PUT, "/2022-07-01/telemetry") => telemetry::subscribe(shared, request),
        (&Method::PUT, "/2020-08-15/logs") if shared.options.mode != Mode::ManagedInstances => {
            error(202, "Logs.NotSupported", "Logs API is not supported")
        }
        _ => not_found(),
    }
}

/// Returns true if an error type has the form that Lambda keeps: the prefix and a word, anywhere in it.
fn has_form(error_type: &str, prefix: &str) -> bool {
    error_type.split(prefix).nth(1).is_some_and(|rest| {
        let mut letters = rest.bytes();
        letters.next().is_some_and(|it| it.is_ascii_uppercase())
            && letters.next().is_some_and(|it| it.is_ascii_alphabetic())
    })
}

/// Returns the reply to a method that the path does not support.
fn not_allowed() -> Reply {
    let mut reply = Reply::default();
    *reply.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    reply
}

fn not_found() -> Reply {
    reply(404, "text/plain; charset=utf-8", "404 page not found\n")
}
