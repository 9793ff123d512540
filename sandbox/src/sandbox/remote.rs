//! A handle to an environment, for tests: to look into it, and to play the parts that have no process.

use std::sync::Arc;

use crate::process::Group;
use crate::state::Shared;
use crate::telemetry::event::{Category, Event};

/// A handle to an environment. It works while the environment is busy, and after it has ended.
#[derive(Clone, Debug)]
pub struct Remote {
    shared: Arc<Shared>,
    address: String,
}

impl Remote {
    pub(super) fn new(shared: Arc<Shared>, address: String) -> Self {
        Self { shared, address }
    }

    /// `host:port` of the APIs.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ids of the processes that run now: extensions in their order, then the function.
    pub fn process_ids(&self) -> Vec<i32> {
        self.shared.look(|state| state.groups().into_iter().map(Group::id).collect())
    }

    /// The lines that an extension has printed so far, in all its lives.
    pub fn printed_by(&self, extension: &str) -> Vec<String> {
        let is_its = |(name, line): &(String, String)| (name == extension).then(|| line.clone());
        self.shared.look(|state| state.printed.iter().filter_map(is_its).collect())
    }

    /// The port on which an extension listens for telemetry, once it has subscribed.
    pub fn listener_of(&self, extension: &str) -> Option<u16> {
        self.shared.hub.port(extension)
    }

    /// Publishes an event with this JSON text to all subscribers of `platform`. It may have a type that Lambda does not
    /// have yet.
    pub fn publish(&self, event: &str) {
        self.shared.hub.publish(&Event::whole(event));
    }

    /// Prints a line on behalf of a function without a process.
    pub fn print(&self, line: &str) {
        self.shared.hub.publish(&Event::line(Category::Function, line.to_owned()));
    }

    /// Ends a function without a process as if its process had exited.
    pub fn exit_function(&self) {
        self.shared.update(|state| {
            (state.runtime.has_exited, state.runtime.is_silent) = (true, true);
        });
    }
}
