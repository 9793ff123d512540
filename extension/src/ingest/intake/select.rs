//! Holds lines without a number until it is decided whether their invocation is delivered.

use super::{Accepted, Intake, Member};
use crate::base::clock::Moment;
use crate::event::Event;
use crate::event::level::level_of;
use crate::ingest::attribution::{Attribution, Owners};
use crate::ingest::selection::{Line, Selection, Verdict};

impl Intake {
    /// Returns this intake with a selection of the invocations whose lines it delivers. Without attribution it has
    /// none.
    #[must_use]
    pub fn with_selection(self, selection: Option<Selection>) -> Self {
        match (self.attribution, selection) {
            (Some(_), Some(selection)) => {
                let attribution = Some(Attribution::for_selection());
                Self { attribution, selection: Some(selection), ..self }
            }
            (attribution, _) => Self { attribution, ..self },
        }
    }

    /// Returns the selection, if there is one.
    pub(crate) fn selection(&self) -> Option<&Selection> {
        self.selection.as_ref()
    }

    /// Decides on a line, and on its invocation if the line makes it remarkable. Returns true if the event is delivered
    /// now, as all events except lines are. A line that is filtered out also decides.
    pub(super) fn select(
        &mut self,
        member: &Member<'_>,
        is_wanted: bool,
        now: Moment,
        accepted: &mut Accepted,
    ) -> bool {
        let (Some(selection), Some(attribution)) = (&mut self.selection, &self.attribution) else {
            return true;
        };
        if !member.is_line() {
            return true;
        }
        let owners = owners(attribution, member);
        if is_wanted && selection.delivers(&owners) {
            return true;
        }
        let is_remarkable = selection.is_remarkable(|| member.record.and_then(level_of));
        if !is_wanted && !is_remarkable {
            return true;
        }
        let verdict = selection.judge(&owners, is_remarkable);
        match verdict {
            Verdict::Deliver => self.place(now, accepted),
            Verdict::Hold(_) | Verdict::HoldDoubtful => {
                selection.hold(verdict, member.text, now.monotonic, is_remarkable);
            }
            Verdict::Discard => selection.discard(member.text.len()),
        }
        verdict == Verdict::Deliver
    }

    /// Decides on invocations after a body was read.
    pub(super) fn decide(&mut self, now: Moment, accepted: &mut Accepted) {
        if let (Some(selection), Some(attribution)) = (&mut self.selection, &self.attribution) {
            let owners_of = |line: &Line| owners(attribution, &Member::of(&line.text));
            selection.decide(attribution, owners_of, now);
            self.release(now, accepted);
        }
    }

    /// Delivers the lines that are decided by what is known now.
    pub(super) fn place(&mut self, now: Moment, accepted: &mut Accepted) {
        if let (Some(selection), Some(attribution)) = (&mut self.selection, &self.attribution) {
            selection.place(|line| owners(attribution, &Member::of(&line.text)));
            self.release(now, accepted);
        }
    }

    /// Numbers the lines that were released.
    pub(super) fn release(&mut self, now: Moment, accepted: &mut Accepted) {
        let Some(selection) = &mut self.selection else { return };
        for line in selection.take_released() {
            let member = Member::of(&line.text);
            if self.wants(&member) {
                let event = self.identify(&member, line.received);
                accepted.events.push(Event { released: now.monotonic, ..event });
            } else {
                accepted.filtered += 1;
            }
        }
    }

    /// Allows lines to be held, because Lambda will take no snapshot after all.
    pub(crate) fn reopen(&mut self) {
        self.selection.iter_mut().for_each(Selection::reopen);
    }

    /// Ends the selection: decides on every invocation, and holds no line from now on. Lines of invocations with an
    /// unknown outcome are delivered.
    pub(crate) fn conclude(&mut self, now: Moment) -> Accepted {
        if let Some(selection) = &mut self.selection {
            selection.close();
        }
        let mut accepted = Accepted::default();
        self.decide(now, &mut accepted);
        accepted
    }

    /// Notes that the environment is shut down because the function failed or timed out in this request.
    pub(crate) fn fail(&mut self, request_id: &str, now: Moment) -> Accepted {
        if let (Some(selection), Some(attribution)) = (&mut self.selection, &self.attribution) {
            selection.fail(request_id, attribution.open(request_id));
        }
        let mut accepted = Accepted::default();
        self.release(now, &mut accepted);
        accepted
    }
}

/// Returns the invocations that a line may belong to. A line without a time may belong to any.
fn owners(attribution: &Attribution, member: &Member<'_>) -> Owners {
    match (&member.time, member.record) {
        (Some(time), Some(record)) => attribution.owners(time, record),
        _ => Owners { or_unknown: true, ..Owners::default() },
    }
}
