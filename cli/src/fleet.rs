//! The functions of an account and region: lists those with a deployment's layer, and adds and removes the layer.
//!
//! `plan` decides about one function and is pure. `apply` is the only module that writes: it reads a function, plans, announces
//! the change in the journal, writes, and repeats this until nothing is left to do. The same loop continues a run that was
//! killed.

mod apply;
mod journal;
mod layers;
mod managed;
mod paced;
mod plan;
mod reason;
mod result;
mod role;
mod run;
mod select;
mod show;
mod signing;
mod snapshot;
mod undo;
mod versions;
mod write;

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use anyhow::Result;
use aws_sdk_lambda::types::FunctionConfiguration;
use kinesis_telemetry_terminal::StatusLine;

pub(crate) use layers::{Attached, Published};
pub(crate) use managed::Managed;
pub(crate) use paced::Lambda;
pub(crate) use run::{attach, detach, rollback, upgrade};

/// Number of pages after which the list always ends: 100,000 functions.
const MOST_PAGES: usize = 2_000;

/// Returns the functions of the account and region that have one of these layers, in the order of their names.
pub(crate) async fn attached(
    lambda: &Lambda,
    published: &Published,
    progress: &StatusLine,
) -> Result<Vec<FunctionConfiguration>> {
    let own = |it: FunctionConfiguration| (!published.attached(&it).is_empty()).then_some(it);
    let mut found = list(lambda, own, |seen, found| {
        progress.set(&format!("{seen} functions seen, {found} have the layer"));
    })
    .await?;
    found.sort_by(|a, b| a.function_name().cmp(&b.function_name()));
    Ok(found)
}

/// Maps the functions of the account and region with `keep`. `progress` gets the numbers of seen and of kept functions.
async fn list<T>(
    lambda: &Lambda,
    keep: impl Fn(FunctionConfiguration) -> Option<T>,
    progress: impl Fn(usize, usize),
) -> Result<Vec<T>> {
    let (mut found, mut seen, mut marker) = (Vec::new(), 0, None::<String>);
    for _ in 0..MOST_PAGES {
        let page = lambda
            .ask(|client| client.list_functions().set_marker(marker.clone()).send())
            .await
            .map_err(|error| {
                lambda.aws.explain("listing the functions", "lambda:ListFunctions", &error)
            })?;
        let functions = page.functions.unwrap_or_default();
        seen += functions.len();
        found.extend(functions.into_iter().filter_map(&keep));
        progress(seen, found.len());
        match page.next_marker.filter(|next| !next.is_empty() && marker.as_ref() != Some(next)) {
            Some(next) => marker = Some(next),
            None => break,
        }
    }
    Ok(found)
}

/// Does `work` for each item, a limited number at a time, and returns the results in the order of the items. `done` gets the
/// number of results.
pub(crate) async fn each<T, R>(
    workers: usize,
    items: &[T],
    work: impl AsyncFn(&T) -> R,
    done: impl Fn(usize),
) -> Vec<R> {
    let next = Cell::new(0);
    let results = RefCell::new(Vec::with_capacity(items.len()));
    let worker = async || {
        while let Some(item) = items.get(next.get()) {
            let index = next.replace(next.get() + 1);
            // On the heap, because several of these futures together are large.
            let result = Box::pin(work(item)).await;
            let mut results = results.borrow_mut();
            results.push((index, result));
            done(results.len());
        }
    };
    let mut running: Vec<Pin<Box<dyn Future<Output = ()>>>> =
        (0..workers.min(items.len())).map(|_| Box::pin(worker()) as _).collect();
    poll_fn(|context| {
        running.retain_mut(|it| it.as_mut().poll(context).is_pending());
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    drop(running);
    let mut results = results.into_inner();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
