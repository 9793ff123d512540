//! Shows on the terminal which checks are running.

use std::cell::RefCell;

use kinesis_telemetry_terminal::StatusLine;

/// A status line with the names of the checks that have not ended.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The status line. `doctor --all` also shows the number of checked functions in it.
    pub(super) line: StatusLine,
    pending: RefCell<Vec<String>>,
}

impl Progress {
    /// Makes a check, and shows its name until it ends.
    pub(super) async fn during<T>(&self, name: &str, check: impl Future<Output = T>) -> T {
        self.pending.borrow_mut().push(name.to_owned());
        self.show();
        let result = check.await;
        let mut pending = self.pending.borrow_mut();
        if let Some(index) = pending.iter().position(|it| it == name) {
            pending.remove(index);
        }
        drop(pending);
        self.show();
        result
    }

    fn show(&self) {
        match self.text() {
            Some(text) => self.line.set(&text),
            None => self.line.clear(),
        }
    }

    fn text(&self) -> Option<String> {
        let pending = self.pending.borrow();
        (!pending.is_empty()).then(|| format!("checking {}", pending.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_named_until_they_end() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let progress = Progress::default();
        let seen = RefCell::new(Vec::new());
        let see = async || seen.borrow_mut().push(progress.text());
        let both = async {
            progress.during("stream", see()).await;
            see().await;
        };
        runtime.block_on(progress.during("layers", both));
        let expected = ["checking layers, stream", "checking layers"].map(|it| Some(it.to_owned()));
        assert_eq!((seen.into_inner(), progress.text()), (expected.to_vec(), None));
    }
}
