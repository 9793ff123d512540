//! Values that are read once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::sync::OnceCell;

/// Values by key. Each value is read once, even if several functions need it at the same time.
#[derive(Debug)]
pub(super) struct Once<T>(RefCell<BTreeMap<String, Rc<OnceCell<T>>>>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: Clone> Once<T> {
    /// Returns the value of a key. `read` reads it the first time.
    pub(super) async fn get<F>(&self, key: &str, read: impl FnOnce() -> F) -> T
    where
        F: Future<Output = T>,
    {
        let cell = {
            let mut cells = self.0.borrow_mut();
            Rc::clone(cells.entry(key.to_owned()).or_default())
        };
        cell.get_or_init(read).await.clone()
    }
}
