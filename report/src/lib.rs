//! Turns a list of invocations into one HTML page.
//!
//! The page needs no network, no server and no other file. A reader can open it years later, attach it to a ticket or print it.
//! This crate is pure: it reads no file and no clock, and knows neither the stream nor the program that fills the [`Report`].
//!
//! [`html`] writes the verdict, the key figures and the tables as plain HTML, so that they can be read without JavaScript. The
//! script of the page draws the timeline and the charts and lists failures and invocations. It reads their data from one `<script
//! type="application/json">`. Records may contain any text. Three rules keep it harmless:
//!
//! * Control characters and bidirectional controls become visible (`text::visible`), in HTML and in the data alike.
//! * HTML and JSON are escaped so that no text can end the element that holds it (`text::escape`, `text::json`).
//! * The Content Security Policy of the page allows only its own script, by its hash, and no connection at all.

mod data;
mod model;
mod page;
mod ranges;
mod sections;
mod summary;
mod svg;
mod text;

pub use model::{Instance, Invocation, Line, Outcome, Report, Setting};
pub use page::html;
pub use summary::is_complete;
