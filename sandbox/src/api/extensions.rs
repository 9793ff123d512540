//! The Extensions API. Replies and refusals follow captures of AWS's emulator in both modes.

use bytes::Bytes;
use hyper::Request;
use hyper::header::HeaderValue;
use serde::Deserialize;
use serde_json::json;

use super::has_form;
use crate::http::{Reply, error, header, json, reply, uuid};
use crate::options::{MAX_EXTENSIONS, Mode};
use crate::state::{Agent, AgentState, Next, Shared, State};

const IDENTIFIER: &str = "lambda-extension-identifier";

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Register {
    events: Vec<String>,
    configuration_keys: Vec<String>,
}

pub(super) fn register(shared: &Shared, request: &Request<Bytes>) -> Reply {
    let Some(name) = header(request, "lambda-extension-name").filter(|name| !name.is_empty())
    else {
        return error(403, "Extension.InvalidExtensionName", "Empty extension name");
    };
    let body: Register = match serde_json::from_slice(request.body()) {
        Ok(body) => body,
        Err(wrong) => return error(403, "InvalidRequestFormat", &wrong.to_string()),
    };
    if !body.configuration_keys.is_empty() {
        return error(
            403,
            "InvalidRequestFormat",
            "configurationKeys are deprecated; use environment variables instead",
        );
    }
    let accepts_account = header(request, "lambda-extension-accept-feature")
        .is_some_and(|features| features.split(',').any(|feature| feature.trim() == "accountId"));
    let mode = shared.options.mode;
    match shared.update(|state| admit(state, mode, name, body.events)) {
        Err((error_type, message)) => error(403, error_type, &message),
        Ok(id) => {
            let options = &shared.options;
            let mut function = json!({
                "functionName": options.function_name,
                "functionVersion": options.function_version,
                "handler": "bootstrap",
            });
            if accepts_account {
                function["accountId"] = options.account_id.as_str().into();
            }
            with_header(json(200, &function), "lambda-extension-identifier", &id)
        }
    }
}

/// Registers an extension, or returns why it is refused.
fn admit(
    state: &mut State,
    mode: Mode,
    name: &str,
    events: Vec<String>,
) -> Result<String, (&'static str, String)> {
    let known = state.agents.iter().position(|agent| agent.name == name && agent.is_external);
    for event in &events {
        let refuse = |why: &str| Err(("Extension.InvalidEventType", why.to_owned()));
        match (mode, known.is_some(), event.as_str()) {
            (Mode::ManagedInstances, false, _) => {
                return refuse("No events allowed for internal extensions");
            }
            (_, true, "SHUTDOWN") => {}
            (Mode::ManagedInstances, true, _) => {
                return refuse(&format!("{event}: ErrorInvalidEventType"));
            }
            (_, _, "INVOKE") => {}
            (_, false, "SHUTDOWN") => {
                return refuse("SHUTDOWN: ShutdownEventNotSupportedForInternalExtension");
            }
            _ => return refuse(&format!("{event}: ErrorInvalidEventType")),
        }
    }
    let index = match known {
        Some(index) => index,
        None if state.is_registration_closed => {
            let closed = "Extension registration closed already".to_owned();
            return Err(("Extension.RegistrationClosed", closed));
        }
        None if state.agents.iter().any(|agent| agent.name == name) => {
            let twice = "Extension with this name already registered".to_owned();
            return Err(("Extension.InvalidExtensionState", twice));
        }
        None if state.agents.len() >= MAX_EXTENSIONS => {
            let many = format!("Extension limit ({MAX_EXTENSIONS}) reached");
            return Err(("Extension.TooManyExtensions", many));
        }
        None => {
            state.agents.push(Agent::new(name.to_owned(), false, None));
            state.agents.len() - 1
        }
    };
    let agent = &mut state.agents[index];
    if agent.state != AgentState::Started {
        return Err(transition(mode, agent.state, AgentState::Registered, name));
    }
    agent.state = AgentState::Registered;
    agent.events = events;
    Ok(agent.id.clone())
}

/// Returns the refusal of a transition that the state machine does not have. Each mode words it differently. An
/// extension is called by its name until it has an identifier.
fn transition(
    mode: Mode,
    from: AgentState,
    to: AgentState,
    extension: &str,
) -> (&'static str, String) {
    let state = match mode {
        Mode::ManagedInstances => "state",
        _ => "State",
    };
    let message = format!(
        "State transition from {from:?} to {to:?} failed for extension {extension}. Error: {state} transition is not allowed"
    );
    ("Extension.InvalidExtensionState", message)
}

/// Returns the caller's identifier, or a refusal if it is missing or malformed.
#[expect(clippy::result_large_err, reason = "the refusal is the answer, and is made once")]
pub(super) fn identifier(request: &Request<Bytes>) -> Result<&str, Reply> {
    let Some(id) = header(request, IDENTIFIER) else {
        let message = "Missing Lambda-Extension-Identifier header";
        return Err(error(403, "Extension.MissingExtensionIdentifier", message));
    };
    let lengths: Vec<usize> = id.split('-').map(str::len).collect();
    let is_uuid =
        lengths == [8, 4, 4, 4, 12] && id.bytes().all(|it| it == b'-' || it.is_ascii_hexdigit());
    if is_uuid {
        return Ok(id);
    }
    Err(error(403, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"))
}

/// Returns the refusal of an identifier that no extension has.
pub(super) fn unknown(id: &str) -> Reply {
    error(403, "Extension.UnknownExtensionIdentifier", &format!("Unknown extension {id}"))
}

pub(super) async fn next(shared: &Shared, request: &Request<Bytes>) -> Reply {
    let id = match identifier(request) {
        Ok(id) => id,
        Err(refusal) => return refusal,
    };
    let in_flight = shared.options.kinesis.as_ref().map(|kinesis| kinesis.in_flight());
    let refusal = shared.update(|state| {
        let Some(agent) = state.agent(id) else {
            return Some(unknown(id));
        };
        match agent.state {
            AgentState::Registered | AgentState::Ready | AgentState::Running => {
                agent.state = AgentState::Ready;
            }
            AgentState::Started | AgentState::InitError | AgentState::ExitError => {
                let (error_type, message) =
                    transition(shared.options.mode, agent.state, AgentState::Ready, id);
                return Some(error(403, error_type, &message));
            }
        }
        state.in_flight_at_next.extend(in_flight);
        None
    });
    if let Some(refusal) = refusal {
        return refusal;
    }
    let next = shared
        .until(|state| match state.agent(id) {
            // The environment was reset after this call began.
            None => Some(None),
            Some(agent) => agent.inbox.pop_front().map(|next| {
                agent.state = AgentState::Running;
                Some(next)
            }),
        })
        .await;
    // This wakes every task that waits for events to be accepted.
    shared.update(|_| ());
    match next {
        None => unknown(id),
        Some(Next::Invoke { request_id, deadline_ms }) => {
            let body = json!({
                "eventType": "INVOKE",
                "deadlineMs": deadline_ms,
                "requestId": request_id,
                "invokedFunctionArn": shared.options.function_arn(),
            });
            let answer = reply(200, "application/json", body.to_string());
            with_header(answer, "lambda-extension-event-identifier", &uuid())
        }
        Some(Next::Shutdown { reason, deadline_ms }) => {
            let body = json!({
                "eventType": "SHUTDOWN", "deadlineMs": deadline_ms, "shutdownReason": reason,
            });
            reply(200, "text/plain; charset=utf-8", body.to_string())
        }
    }
}

pub(super) fn init_error(shared: &Shared, request: &Request<Bytes>) -> Reply {
    report(shared, request, AgentState::InitError, |state| {
        matches!(state, AgentState::Registered | AgentState::InitError)
    })
}

pub(super) fn exit_error(shared: &Shared, request: &Request<Bytes>) -> Reply {
    report(shared, request, AgentState::ExitError, |state| {
        matches!(
            state,
            AgentState::Registered
                | AgentState::Ready
                | AgentState::Running
                | AgentState::ExitError
        )
    })
}

fn report(
    shared: &Shared,
    request: &Request<Bytes>,
    to: AgentState,
    is_legal: impl Fn(AgentState) -> bool,
) -> Reply {
    let id = match identifier(request) {
        Ok(id) => id,
        Err(refusal) => return refusal,
    };
    let Some(error_type) = header(request, "lambda-extension-function-error-type") else {
        return error(
            403,
            "Extension.MissingHeader",
            "Lambda-Extension-Function-Error-Type not found",
        );
    };
    shared.update(|state| {
        let Some(agent) = state.agent(id) else {
            let message = "Unknown Lambda-Extension-Identifier";
            return error(403, "Extension.UnknownExtensionIdentifier", message);
        };
        if !is_legal(agent.state) {
            let (error_type, message) = transition(shared.options.mode, agent.state, to, id);
            return error(403, error_type, &message);
        }
        agent.state = to;
        // The first report wins; a type of another form gets Lambda's name.
        if agent.error_type.is_none() && has_form(error_type, "Extension.") {
            agent.error_type = Some(error_type.to_owned());
        }
        json(202, &json!({ "status": "OK" }))
    })
}

fn with_header(mut reply: Reply, name: &'static str, value: &str) -> Reply {
    let value = HeaderValue::from_str(value).expect("identifiers are plain text");
    reply.headers_mut().insert(name, value);
    reply
}
