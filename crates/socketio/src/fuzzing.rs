//! What the fuzz targets of `fuzz/` check. Each function takes any bytes (for its bound of memory,
//! 4,096 at most) and panics when a promise is broken; the same functions replay the seeds in the
//! ordinary tests.

mod frames;
mod handshake;
mod packet;
mod payload;

pub use frames::frames;
pub use handshake::handshake;
pub use packet::packet;
pub use payload::payload;

use crate::errors::{CloseReason, Violation, close_reason};

/// Runs `check`, which may hold at most this many bytes of memory at a time.
fn within(bytes: u64, check: impl FnOnce()) {
    let held = allocation_counter::measure(check).bytes_max;
    assert!(held <= bytes, "{held} bytes of memory at a time");
}

/// The reason a violation closes a connection with, which is one that blames the client.
fn blame(violation: &Violation) -> CloseReason {
    let reason = close_reason(violation);
    assert!(
        matches!(
            reason,
            CloseReason::PayloadTooLarge
                | CloseReason::InvalidFrame
                | CloseReason::InvalidPacket
                | CloseReason::UnexpectedPacket
        ),
        "{violation:?} closes with {reason:?}"
    );
    reason
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn replay(target: &str, check: fn(&[u8])) {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
        let mut replayed = 0;
        for seed in fs::read_dir(seeds.join(target)).unwrap() {
            let path = seed.unwrap().path();
            let input = fs::read(&path).unwrap();
            // So that a test that fails says where.
            println!("{}", path.display());
            // What is cut off must be borne as well.
            for end in 0..input.len().min(200) {
                check(&input[..end]);
            }
            check(&input);
            // Whatever is kept for the next time is kept by now.
            let left = allocation_counter::measure(|| check(&input)).bytes_current;
            assert!(left <= 0, "{left} bytes are left behind");
            replayed += 1;
        }
        assert!(replayed > 0, "no seeds for {target}");
    }

    #[test]
    fn packet_seeds_are_borne() {
        replay("packet", packet);
    }

    #[test]
    fn frame_seeds_are_borne() {
        replay("frames", frames);
    }

    #[test]
    fn payload_seeds_are_borne() {
        replay("payload", payload);
    }

    #[test]
    fn handshake_seeds_are_borne() {
        replay("handshake", handshake);
    }
}
