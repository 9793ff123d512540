//! The invocations whose lines may still arrive, with their decisions and held lines.

use std::collections::VecDeque;

use super::Line;
use crate::base::clock::Moment;
use crate::ingest::attribution::REMEMBERED_UNDECIDED;

/// The decision on an invocation's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Undecided,
    Delivered,
    Discarded,
}

#[derive(Debug, Default)]
pub(super) struct Invocations(VecDeque<Invocation>);

#[derive(Debug)]
struct Invocation {
    number: u64,
    fate: Fate,
    /// When the end of its function was read.
    ended: Option<Moment>,
    held: Vec<Line>,
}

impl Invocations {
    /// Adds an invocation. Returns the held lines of an invocation that is forgotten for it.
    pub(super) fn begin(&mut self, number: u64, fate: Fate) -> Vec<Line> {
        self.0.push_back(Invocation { number, fate, ended: None, held: Vec::new() });
        if self.0.len() <= REMEMBERED_UNDECIDED {
            return Vec::new();
        }
        self.0.pop_front().map(|forgotten| forgotten.held).unwrap_or_default()
    }

    pub(super) fn end(&mut self, number: u64, now: Moment) {
        if let Some(invocation) = self.find(number) {
            invocation.ended.get_or_insert(now);
        }
    }

    /// Returns the decision. Lines of a forgotten invocation are delivered.
    pub(super) fn fate(&self, number: u64) -> Fate {
        let invocation = self.0.iter().rev().find(|it| it.number == number);
        invocation.map_or(Fate::Delivered, |it| it.fate)
    }

    /// Returns when the end of its function was read.
    pub(super) fn ended(&self, number: u64) -> Option<Moment> {
        self.0.iter().find(|it| it.number == number)?.ended
    }

    /// Returns the undecided invocations.
    pub(super) fn undecided(&self) -> Vec<u64> {
        let undecided = self.0.iter().filter(|it| it.fate == Fate::Undecided);
        undecided.map(|it| it.number).collect()
    }

    /// Returns the oldest invocation with held lines.
    pub(super) fn held_by(&self) -> Option<u64> {
        self.0.iter().find(|it| !it.held.is_empty()).map(|it| it.number)
    }

    pub(super) fn hold(&mut self, number: u64, line: Line) {
        if let Some(invocation) = self.find(number) {
            invocation.held.push(line);
        }
    }

    /// Decides that its lines are delivered, and returns the held ones.
    pub(super) fn deliver(&mut self, number: u64) -> Vec<Line> {
        self.set(number, Fate::Delivered)
    }

    /// Decides that its lines are not delivered, and returns the held ones.
    pub(super) fn discard(&mut self, number: u64) -> Vec<Line> {
        self.set(number, Fate::Discarded)
    }

    fn set(&mut self, number: u64, fate: Fate) -> Vec<Line> {
        let Some(invocation) = self.find(number) else { return Vec::new() };
        invocation.fate = fate;
        std::mem::take(&mut invocation.held)
    }

    fn find(&mut self, number: u64) -> Option<&mut Invocation> {
        self.0.iter_mut().rev().find(|it| it.number == number)
    }
}
