//! What the targets share: how much memory one input may take.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Runs `check`, which may hold at most this many bytes of memory at a time.
///
/// # Panics
/// When it holds more.
pub fn within(bytes: usize, check: impl FnOnce()) {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    check();
    let held = ALLOCATOR.peak_usage().saturating_sub(before);
    assert!(held <= bytes, "{held} bytes of memory at a time");
}
