use std::time::{Duration, Instant};

/// A ping that is sent later than this after it was due gives the client its full time again.
const LATE: Duration = Duration::from_millis(100);

/// When to ping a client and when to give it up. The server pings; the client answers.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval: Duration,
    timeout: Duration,
    due: Due,
}

#[derive(Debug)]
enum Due {
    Ping(Instant),
    Pong(Instant),
}

/// What a tick asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    Wait,
    Ping,
    Dead,
}

impl Heartbeat {
    pub(crate) fn new(interval: Duration, timeout: Duration, now: Instant) -> Self {
        Self {
            interval,
            timeout,
            due: Due::Ping(now + interval),
        }
    }

    /// When [`tick`](Self::tick) wants to be called next.
    pub(crate) fn deadline(&self) -> Instant {
        match self.due {
            Due::Ping(at) | Due::Pong(at) => at,
        }
    }

    pub(crate) fn tick(&mut self, now: Instant) -> Beat {
        match self.due {
            Due::Ping(at) if at <= now => {
                // Counted from when it was due, unless the server was late itself.
                let late = now.duration_since(at) > LATE;
                self.due = Due::Pong(if late { now } else { at } + self.timeout);
                Beat::Ping
            }
            Due::Pong(at) if at <= now => Beat::Dead,
            Due::Ping(_) | Due::Pong(_) => Beat::Wait,
        }
    }

    /// The client answered. An answer nobody asked for changes nothing, so that a client cannot
    /// put off its pings for ever.
    pub(crate) fn pong(&mut self, now: Instant) {
        if matches!(self.due, Due::Pong(_)) {
            self.due = Due::Ping(now + self.interval);
        }
    }

    /// Gives an expected answer its full time again, because the server was not listening.
    pub(crate) fn excuse(&mut self, now: Instant) {
        if let Due::Pong(at) = &mut self.due {
            *at = now + self.timeout;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(25);
    const TIMEOUT: Duration = Duration::from_secs(20);

    #[test]
    fn pings_after_the_interval_and_gives_up_after_the_timeout() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(INTERVAL, TIMEOUT, start);
        assert_eq!(heartbeat.tick(start + INTERVAL - TIMEOUT), Beat::Wait);
        let ping = heartbeat.deadline();
        assert_eq!(ping, start + INTERVAL);
        assert_eq!(heartbeat.tick(ping), Beat::Ping);
        assert_eq!(heartbeat.tick(ping), Beat::Wait);
        assert_eq!(heartbeat.deadline(), ping + TIMEOUT);
        assert_eq!(heartbeat.tick(ping + TIMEOUT), Beat::Dead);
    }

    #[test]
    fn a_late_server_does_not_take_it_off_the_clients_time() {
        let start = Instant::now();
        for (delay, allowed) in [(LATE, TIMEOUT - LATE), (INTERVAL, TIMEOUT)] {
            let mut heartbeat = Heartbeat::new(INTERVAL, TIMEOUT, start);
            let now = start + INTERVAL + delay;
            assert_eq!(heartbeat.tick(now), Beat::Ping);
            assert_eq!(heartbeat.deadline(), now + allowed);
        }
    }

    #[test]
    fn an_answer_starts_the_next_interval() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(INTERVAL, TIMEOUT, start);
        heartbeat.pong(start + TIMEOUT);
        assert_eq!(heartbeat.deadline(), start + INTERVAL, "nobody asked");
        heartbeat.tick(start + INTERVAL);
        let answered = start + INTERVAL + Duration::from_secs(1);
        heartbeat.pong(answered);
        assert_eq!(heartbeat.deadline(), answered + INTERVAL);
    }

    #[test]
    fn an_excuse_extends_only_an_expected_answer() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(INTERVAL, TIMEOUT, start);
        heartbeat.excuse(start + TIMEOUT);
        assert_eq!(heartbeat.deadline(), start + INTERVAL);
        heartbeat.tick(start + INTERVAL);
        let later = start + INTERVAL + TIMEOUT;
        heartbeat.excuse(later);
        assert_eq!(heartbeat.tick(later), Beat::Wait);
        assert_eq!(heartbeat.deadline(), later + TIMEOUT);
    }
}
