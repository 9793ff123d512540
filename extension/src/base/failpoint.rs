//! Panics on request, to test that they leave everything intact. Released programs contain none of it.

/// Panics if the variable `PANIC_IN` is `PLACE once` or `PLACE always`, with this place.
#[cfg(any(debug_assertions, feature = "injected-panics"))]
pub(crate) fn panic_in(place: &str) {
    use std::sync::atomic::{AtomicBool, Ordering};

    static HAS_PANICKED: AtomicBool = AtomicBool::new(false);
    let Ok(wanted) = std::env::var("PANIC_IN") else { return };
    let Some((wanted, how)) = wanted.split_once(' ') else { return };
    let is_meant =
        wanted == place && (how == "always" || !HAS_PANICKED.swap(true, Ordering::Relaxed));
    assert!(!is_meant, "injected into the {place}");
}

/// Does nothing, because this program injects no panics.
#[cfg(not(any(debug_assertions, feature = "injected-panics")))]
pub(crate) const fn panic_in(_place: &str) {}
