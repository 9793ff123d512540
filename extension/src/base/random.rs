//! Random numbers from the operating system.
//!
//! Thousands of environments may start at the same moment on equal machines. Their instance ids must differ and their
//! retries must not be in step, so a clock is no source for either.

use ring::rand::{SecureRandom as _, SystemRandom};

/// Returns a new instance id: 12 characters of `a-zA-Z0-9_-`, 72 random bits.
pub fn new_instance() -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes::<9>())
}

/// Seeds the random numbers of [`backoff`](crate::policy::backoff) for this thread.
pub(crate) fn seed() {
    fastrand::seed(u64::from_le_bytes(bytes()));
}

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        // Linux always returns random bytes; if it ever fails, a seed from the clock is better than none.
        fastrand::fill(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_have_different_ids_of_one_length() {
        let ids: std::collections::HashSet<_> = (0..1_000).map(|_| new_instance()).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(ids.iter().all(|id| id.len() == 12));
    }
}
