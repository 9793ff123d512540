//! Learns about invocations from bodies: their times, their tenant, and missing telemetry.

use super::members::{Piece, members};
use super::parts::Part;
use super::peek::{Member, Request};
use super::{Intake, Signal, quarantine};
use crate::base::clock::Moment;
use crate::ingest::selection::Selection;

impl Intake {
    /// Notes that telemetry is missing here. Later lines may belong to an invocation whose start is missing.
    pub fn gap(&mut self) {
        self.dropped(None);
    }

    /// Notes that telemetry is missing, before this time if it is known.
    fn dropped(&mut self, time: Option<&str>) {
        if let Some(attribution) = &mut self.attribution {
            attribution.dropped(time);
        }
        if let Some(selection) = &mut self.selection {
            selection.gap();
        }
    }

    /// Learns the times of the invocations in all parts of a body, so that a line finds the start of its invocation in
    /// any part. The parts are read next.
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

    /// Learns the time of an invocation from a piece, or that the piece may hide one.
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
                        // The clock was set back, so lines of later invocations may seem to belong to earlier ones.
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

    /// Learns about an invocation from an event.
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

    /// Learns the tenant that an invocation names. An environment serves one tenant all its life, so the first one
    /// counts.
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

/// True for an unreadable piece that may be or contain an event of the platform.
pub(super) fn is_gap(piece: &Piece<'_>) -> bool {
    match piece {
        Piece::Value(_) => false,
        Piece::Invalid { bytes, is_sure: true } => quarantine::may_be_of_the_platform(bytes),
        Piece::Invalid { .. } | Piece::Unfinished => true,
    }
}

/// Returns the milliseconds since 1970 of a time in the platform's format.
fn milliseconds(time: &str) -> Option<u64> {
    let time = humantime::parse_rfc3339(time).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}
