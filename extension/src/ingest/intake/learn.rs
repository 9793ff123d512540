//! What bodies tell about invocations: when they were, whose they are, and what is missing.

use super::members::{Piece, members};
use super::parts::Part;
use super::peek::{Member, Request};
use super::{Intake, Signal, quarantine};
use crate::base::clock::Moment;
use crate::ingest::selection::Selection;

impl Intake {
    /// Learns that telemetry is missing here: lines after it may belong to an invocation whose start was part of it.
    pub fn gap(&mut self) {
        self.dropped(None);
    }

    /// Learns that telemetry from before this time is missing, or at any time.
    fn dropped(&mut self, time: Option<&str>) {
        if let Some(attribution) = &mut self.attribution {
            attribution.dropped(time);
        }
        if let Some(selection) = &mut self.selection {
            selection.gap();
        }
    }

    /// Learns when the invocations were that the parts of a body tell of, so that a line finds the start of its invocation
    /// in any of them. The parts are to be taken next.
    pub(crate) fn foresee(&mut self, parts: &[Part], now: Moment) {
        for part in parts {
            let pieces = match part {
                Part::Body(body) => members(body),
                Part::Raw(_) => None,
            };
            let Some(pieces) = pieces else {
                self.gap();
                continue;
            };
            for (piece, member) in pieces {
                self.attribute(&piece, &member, now);
            }
        }
        self.foreseen = parts.len();
    }

    /// Learns what a piece says about the time of an invocation, or that it may hide one.
    pub(super) fn attribute(&mut self, piece: &Piece<'_>, member: &Member<'_>, now: Moment) {
        if is_gap(piece) {
            return self.gap();
        }
        let event_type = member.event_type();
        if event_type == "platform.logsDropped" {
            return self.dropped(member.time.as_deref());
        }
        let is_known = matches!(
            event_type,
            "platform.initRuntimeDone" | "platform.start" | "platform.runtimeDone"
        );
        let Some(attribution) = self.attribution.as_mut().filter(|_| is_known) else { return };
        let Some(time) = &member.time else { return };
        match (event_type, member.request()) {
            ("platform.initRuntimeDone", _) => {
                attribution.init_done(time);
                self.selection.iter_mut().for_each(Selection::note);
            }
            ("platform.start", Some(Request { request_id, .. })) => {
                let number = attribution.started(&request_id, time);
                if let (Some(selection), Some(number)) = (&mut self.selection, number) {
                    let is_seen = |last| last < number && selection.has_seen(last);
                    if attribution.last().is_some_and(is_seen) {
                        // A clock that was set back: lines of later invocations may seem to be of earlier ones.
                        selection.gap();
                    }
                    selection.started(number, &request_id, member.root_trace_id().as_deref());
                }
            }
            (_, Some(Request { request_id, .. })) => {
                let number = attribution.done(&request_id, time);
                if let (Some(selection), Some(number)) = (&mut self.selection, number) {
                    selection.done(number, member.has_failed(), member.duration(), now);
                }
            }
            _ => {}
        }
    }

    /// Learns what an event says about an invocation.
    pub(super) fn note(&mut self, member: &Member<'_>, signals: &mut Vec<Signal>) {
        let is_start = match member.event_type() {
            "platform.logsDropped" => return signals.push(Signal::Gap),
            "platform.initRuntimeDone" => return signals.push(Signal::InitDone),
            "platform.initStart" if member.is_in_invocation() => {
                return signals.push(Signal::InitRepeated);
            }
            "platform.start" => true,
            "platform.runtimeDone" => false,
            _ => return,
        };
        let Some(Request { request_id, tenant }) = member.request() else { return };
        if is_start && let Some(tenant) = tenant {
            signals.extend(self.learn_tenant(&tenant));
        }
        if !is_start {
            let request_id = request_id.into_owned();
            signals.push(Signal::RuntimeDone { request_id, duration: member.duration() });
        } else if let Some(time_ms) = member.time.as_deref().and_then(milliseconds) {
            signals.push(Signal::Started { request_id: request_id.into_owned(), time_ms });
        }
    }

    /// Learns the tenant that an invocation names. An environment serves one all its life, so the first one counts.
    fn learn_tenant(&mut self, tenant: &str) -> Option<Signal> {
        let source = self.source.of_tenant(tenant)?;
        if self.source.tenant().is_none() {
            self.source = source;
            return Some(Signal::Tenant);
        }
        let is_new = !std::mem::replace(&mut self.has_other_tenant, true);
        is_new.then(|| Signal::OtherTenant(tenant.to_owned()))
    }
}

/// True for a piece that could not be read and may be an event of the platform, or hold some.
pub(super) fn is_gap(piece: &Piece<'_>) -> bool {
    match piece {
        Piece::Value(_) => false,
        Piece::Invalid { bytes, is_sure: true } => quarantine::may_be_of_the_platform(bytes),
        Piece::Invalid { .. } | Piece::Unfinished => true,
    }
}

/// Milliseconds since 1970, of a time as the platform writes it.
fn milliseconds(time: &str) -> Option<u64> {
    let time = humantime::parse_rfc3339(time).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}
