//! Stands in for `clock_gettime` in the processes of a sandbox (`LD_PRELOAD`), so that hours pass for them in a moment, by
//! one clock or by both: a stopped process sees both go on, a paused machine may find the monotonic one where it was.
//!
//! `SANDBOX_CLOCK` names a file with two numbers of nanoseconds in the machine's byte order: what the wall clock and the
//! monotonic clock are ahead. The sandbox changes them while the processes are stopped. Linux with glibc only, and only
//! programs that are linked to it dynamically.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

use libc::{c_int, clockid_t, timespec};

const NANOS: i64 = 1_000_000_000;

/// How far the clocks are ahead of the machine's: wall, monotonic.
type Ahead = [AtomicI64; 2];

/// The file, mapped for the life of the process; none if it cannot be.
fn ahead() -> Option<&'static Ahead> {
    static MAPPED: OnceLock<Option<&'static Ahead>> = OnceLock::new();
    *MAPPED.get_or_init(map)
}

fn map() -> Option<&'static Ahead> {
    // SAFETY: a literal that ends in NUL; `getenv` is called before anything could change the environment.
    let path = unsafe { libc::getenv(c"SANDBOX_CLOCK".as_ptr()) };
    if path.is_null() {
        return None;
    }
    // SAFETY: what `getenv` returns ends in NUL.
    let file = unsafe { libc::open(path, libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return None;
    }
    let (length, none) = (size_of::<Ahead>(), std::ptr::null_mut());
    // SAFETY: a new mapping of a file of that length, read only.
    let address = unsafe { libc::mmap(none, length, libc::PROT_READ, libc::MAP_SHARED, file, 0) };
    // SAFETY: it was opened above; the mapping lives on without it.
    unsafe { libc::close(file) };
    if address == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: a page is aligned, is never unmapped, and holds two whole numbers, of which any bits are valid.
    Some(unsafe { &*address.cast::<Ahead>() })
}

/// The C library's `clock_gettime`, with the clocks that the sandbox sets.
///
/// # Safety
///
/// As the C library's: `out` points to a `timespec` that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: clockid_t, out: *mut timespec) -> c_int {
    // SAFETY: the kernel checks the number of the clock; `out` is the caller's promise.
    let result = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, out) };
    let which = match clock {
        libc::CLOCK_REALTIME => 0,
        libc::CLOCK_MONOTONIC => 1,
        _ => return -c_int::from(result != 0),
    };
    if result != 0 {
        return -1;
    }
    if let Some(ahead) = ahead() {
        // SAFETY: the kernel has just written it.
        let out = unsafe { &mut *out };
        let nanos = out.tv_sec * NANOS + out.tv_nsec + ahead[which].load(Ordering::Relaxed);
        (out.tv_sec, out.tv_nsec) = (nanos.div_euclid(NANOS), nanos.rem_euclid(NANOS));
    }
    0
}
