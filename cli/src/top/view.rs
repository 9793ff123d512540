//! The state of the view: order, filter, selection and level. Pure.

use kinesis_telemetry_args::Order;

use super::columns::Level;
use super::picture::Picture;
use super::row::{Row, sort};

/// The mode, which gives keys their meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Browse,
    /// Keys are the text of the filter.
    Filter,
    Help,
}

/// The state of the view.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    pub(super) order: Order,
    /// The function whose instances are shown.
    pub(super) function: Option<String>,
    pub(super) mode: Mode,
    /// True if the figures are frozen.
    pub(super) is_paused: bool,
    pub(super) functions: List,
    pub(super) instances: List,
}

/// The state of a level.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    /// The view shows rows whose name contains this text, in upper or lower case.
    pub(super) filter: String,
    /// The selected name; `None` selects the first row.
    selected: Option<String>,
}

impl View {
    pub(super) fn new(order: Order) -> Self {
        Self { order, ..Self::default() }
    }

    pub(super) fn level(&self) -> Level {
        if self.function.is_some() { Level::Instances } else { Level::Functions }
    }

    pub(super) fn list(&self) -> &List {
        if self.function.is_some() { &self.instances } else { &self.functions }
    }

    pub(super) fn list_mut(&mut self) -> &mut List {
        if self.function.is_some() { &mut self.instances } else { &mut self.functions }
    }

    /// Returns the rows that match the filter, in order.
    pub(super) fn rows<'a>(&self, picture: &'a Picture) -> Vec<&'a Row> {
        let filter = self.list().filter.to_lowercase();
        let is_shown = |it: &&Row| filter.is_empty() || it.name.to_lowercase().contains(&filter);
        let mut rows: Vec<&Row> = picture.rows.iter().filter(is_shown).collect();
        sort(&mut rows, self.order);
        rows
    }

    /// Returns the index of the selected row.
    pub(super) fn selected(&self, rows: &[&Row]) -> usize {
        let selected = self.list().selected.as_ref();
        let found = selected.and_then(|name| rows.iter().position(|it| it.name == *name));
        found.unwrap_or_default()
    }

    /// Selects a row, or the last one if there are fewer.
    pub(super) fn select(&mut self, rows: &[&Row], index: usize) {
        let row = rows.get(index).or(rows.last());
        // The first row is stored as `None`, so the selection stays at the top when the order changes.
        self.list_mut().selected = row.filter(|_| index > 0).map(|it| it.name.clone());
    }

    /// Shows the instances of a function.
    pub(super) fn enter(&mut self, function: &str) {
        self.function = Some(function.to_owned());
        self.instances = List::default();
    }
}
