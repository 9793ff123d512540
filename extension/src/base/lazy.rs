//! What is built when somebody first needs it.

use std::fmt;
use std::sync::{Arc, OnceLock};

/// Is built when somebody first needs it. Copies are of the same one.
///
/// A client of an AWS service reads rules, certificate authorities and the environment, which together take longer than
/// all that the first `next` must wait for.
pub struct Lazy<T>(Arc<Inner<T>>);

struct Inner<T> {
    value: OnceLock<T>,
    make: Box<dyn Fn() -> T + Send + Sync>,
}

impl<T> Lazy<T> {
    /// Builds nothing yet.
    pub fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner { value: OnceLock::new(), make: Box::new(make) }))
    }

    /// The value, built now if it never was.
    pub fn get(&self) -> &T {
        self.0.value.get_or_init(&self.0.make)
    }

    /// The value, if it was ever needed.
    pub fn built(&self) -> Option<&T> {
        self.0.value.get()
    }
}

impl<T> Clone for Lazy<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lazy").field(&self.0.value).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::pack::Record;
    use crate::pack::sink::{Answer, Failure, Sink};

    /// Counts what is asked of it.
    #[derive(Debug, Default)]
    struct Counted {
        resets: AtomicUsize,
    }

    impl Sink for Counted {
        async fn put(&self, records: &[Record]) -> Result<Vec<Answer>, Failure> {
            Ok(records.iter().map(|_| Ok(())).collect())
        }

        fn reset(&self) {
            self.resets.fetch_add(1, Ordering::Relaxed);
        }

        fn max_records(&self) -> usize {
            7
        }
    }

    #[tokio::test]
    async fn it_is_built_once_by_the_first_who_needs_it_whichever_copy_that_is() {
        let built = Arc::<AtomicUsize>::default();
        let counter = built.clone();
        let lazy = Lazy::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            Counted::default()
        });
        let copy = lazy.clone();
        lazy.reset();
        copy.restart();
        assert_eq!(built.load(Ordering::Relaxed), 0, "there was nothing to throw away");
        assert!(lazy.built().is_none());
        assert_eq!(copy.put(&[]).await, Ok(Vec::new()));
        lazy.reset();
        copy.restart();
        assert_eq!((lazy.max_records(), lazy.renew()), (7, false));
        assert_eq!(built.load(Ordering::Relaxed), 1);
        assert_eq!(lazy.get().resets.load(Ordering::Relaxed), 2);
    }
}
