use std::time::{Duration, Instant};

/// How far a quiet client may run ahead of its pace.
const BURST: Duration = Duration::from_nanos(SECOND);
const SECOND: u64 = 1_000_000_000;

/// Holds a client to a number of messages a second (the generic cell rate algorithm: one instant
/// says all).
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    /// When a client that kept its pace exactly would send its next message.
    next: Instant,
}

impl Pace {
    /// `per_second` messages; 0 sets no limit.
    pub(crate) fn new(per_second: u32, now: Instant) -> Self {
        Self {
            // Rounded up: no more than this many fit into a second.
            interval: match per_second {
                0 => Duration::ZERO,
                _ => Duration::from_nanos(SECOND.div_ceil(per_second.into())),
            },
            next: now,
        }
    }

    /// A message came.
    pub(crate) fn count(&mut self, now: Instant) {
        self.next = self.next.max(now) + self.interval;
    }

    /// When the client is to be read again, if it is not now.
    pub(crate) fn resume(&self, now: Instant) -> Option<Instant> {
        let ahead = now + BURST;
        // Whoever has sent a second's worth waits until one more fits.
        (self.next >= ahead && !self.interval.is_zero())
            .then(|| now + (self.next - ahead) + self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_messages_comes_at_once_and_the_rest_at_their_pace() {
        let start = Instant::now();
        let mut pace = Pace::new(10, start);
        for _ in 0..10 {
            assert_eq!(pace.resume(start), None);
            pace.count(start);
        }
        let resume = pace.resume(start).unwrap();
        assert_eq!(resume, start + Duration::from_millis(100));
        assert_eq!(pace.resume(resume), None);
        pace.count(resume);
        assert_eq!(
            pace.resume(resume),
            Some(resume + Duration::from_millis(100))
        );
        let later = start + Duration::from_secs(60);
        for _ in 0..10 {
            assert_eq!(pace.resume(later), None);
            pace.count(later);
        }
        assert!(pace.resume(later).is_some(), "quiet does not add up");
    }

    #[test]
    fn nothing_is_no_limit() {
        let start = Instant::now();
        let mut pace = Pace::new(0, start);
        for _ in 0..1_000 {
            pace.count(start);
        }
        assert_eq!(pace.resume(start), None);
    }
}
