//! A difference between Lambda and the sandbox.

/// A difference between both sides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Difference {
    /// The type of the event.
    pub(crate) event: String,
    /// The path of the member; empty for the event itself.
    pub(crate) member: String,
    /// The value of Lambda.
    pub(crate) aws: String,
    /// The value of the sandbox.
    pub(crate) sandbox: String,
}

/// A difference with all its places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) difference: Difference,
    /// The place: `environment 1, event 4`.
    pub(crate) places: Vec<String>,
    /// The reason why it was expected.
    pub(crate) known: Option<&'static str>,
}
