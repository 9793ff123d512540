//! The functions that have the layer of a deployment, as Lambda lists them.

mod layers;
mod paced;

use std::cell::{Cell, RefCell};

use anyhow::Result;
use aws_sdk_lambda::types::FunctionConfiguration;
use kinesis_telemetry_terminal::StatusLine;

pub(crate) use layers::{Attached, Published};
pub(crate) use paced::Lambda;

/// Pages after which the list ends, whatever Lambda answers: 100,000 functions.
const MOST_PAGES: usize = 2_000;

/// Returns the functions of the account and region that have one of these layers, in the order of their names.
pub(crate) async fn functions(
    lambda: &Lambda,
    published: &Published,
    progress: &StatusLine,
) -> Result<Vec<FunctionConfiguration>> {
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
        found.extend(functions.into_iter().filter(|it| !published.attached(it).is_empty()));
        progress.set(&format!("{seen} functions seen, {} have the layer", found.len()));
        match page.next_marker.filter(|next| !next.is_empty() && marker.as_ref() != Some(next)) {
            Some(next) => marker = Some(next),
            None => break,
        }
    }
    found.sort_by(|a, b| a.function_name().cmp(&b.function_name()));
    Ok(found)
}

/// Does `work` for each item, four at a time, and returns the results in the order of the items. `done` gets their number.
pub(crate) async fn each<T, R>(
    items: &[T],
    work: impl AsyncFn(&T) -> R,
    done: impl Fn(usize),
) -> Vec<R> {
    let next = Cell::new(0);
    let results = RefCell::new(Vec::with_capacity(items.len()));
    let worker = async || {
        while let Some(item) = items.get(next.get()) {
            let index = next.replace(next.get() + 1);
            // On the heap: four of them side by side are large.
            let result = Box::pin(work(item)).await;
            let mut results = results.borrow_mut();
            results.push((index, result));
            done(results.len());
        }
    };
    tokio::join!(worker(), worker(), worker(), worker());
    let mut results = results.into_inner();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
