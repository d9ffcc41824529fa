//! One measured stretch of posting.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use tokio::time::sleep;

use super::args::Audience;
use super::clock::{now_ns, seconds_between, wait_until};
use super::crowd::Crowd;
use super::poster::{Posted, Poster};
use super::procfs::Process;
use super::progress_line::ProgressLine;
use super::schedule::{Pace, Schedule};
use super::tally::{Latencies, Tally};
use super::usage::{Clocks, Usage};

/// Between the decision to post and the first post.
const HEAD_START_NS: u64 = 50_000_000;
/// Between looks at how far a round is.
const LOOK: Duration = Duration::from_millis(500);
/// Between looks at what is still missing.
const DRAIN_LOOK: Duration = Duration::from_millis(20);
/// What is late is given up when nothing at all has come for so long.
const DRAIN_SILENCE_NS: u64 = 3_000_000_000;
/// After the last delivery, for doubled ones.
const AFTERMATH: Duration = Duration::from_millis(200);

/// Posts, round after round, on one or more crowds.
pub(crate) struct Rounds<'a> {
    pub(crate) audience: &'a Audience,
    pub(crate) namespace: &'a str,
    /// The connections that post, by sender.
    pub(crate) senders: Vec<usize>,
    pub(crate) processes: &'a [Process],
    pub(crate) progress: &'a ProgressLine,
    /// The number of the next post. Number 0 is taken by the acknowledgement of AddRoom.
    pub(crate) next: u64,
}

/// What a round showed.
#[derive(Debug, Serialize)]
pub(crate) struct Round {
    /// Posts a second that were due.
    pub(crate) rate: f64,
    pub(crate) posts: Posts,
    pub(crate) deliveries: Deliveries,
    /// From the time a post was due to the time a member had read it.
    pub(crate) latency_ms: Percentiles,
    /// From the time a post was due to its acknowledgement; none where none were asked for.
    pub(crate) ack_latency_ms: Option<Percentiles>,
    /// Connections that ended without our closing them.
    pub(crate) closed_connections: u64,
    /// Processor time of the named processes per delivery.
    pub(crate) cpu_us_per_delivery: BTreeMap<String, f64>,
    pub(crate) generator_cpu_us_per_delivery: f64,
    /// Processor time of the measured stretch.
    pub(crate) usage: Usage,
    /// The generator was too busy for the numbers to be the servers' alone.
    pub(crate) generator_was_the_limit: bool,
}

/// Posts of the warm-up and the measured stretch.
#[derive(Debug, Serialize)]
pub(crate) struct Posts {
    pub(crate) sent: u64,
    /// Acknowledged as stored.
    pub(crate) accepted: u64,
    /// By the code of the refusal.
    pub(crate) refused: BTreeMap<String, u64>,
    /// Sent with the wish for an acknowledgement that never came.
    pub(crate) unanswered: u64,
    pub(crate) answered_twice: u64,
    /// Not sent: the server had stopped reading their connection.
    pub(crate) not_taken: u64,
    /// How late posts left the generator: the 99th percentile.
    pub(crate) late_p99_ms: f64,
}

/// Deliveries of the warm-up and the measured stretch.
#[derive(Debug, Serialize)]
pub(crate) struct Deliveries {
    /// Per second of the measured stretch.
    pub(crate) per_second: f64,
    /// Each post that was not refused, to each member of its room as long as it was connected.
    pub(crate) owed: u64,
    pub(crate) received: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    /// Behind a later post of the same sender.
    pub(crate) out_of_order: u64,
    pub(crate) wrong_room: u64,
    pub(crate) malformed: u64,
    /// Connections that saw their room's posts in another order than most of its members.
    pub(crate) order_differs: u64,
}

/// Percentiles in milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p99_9: f64,
    pub(crate) max: f64,
}

impl Percentiles {
    fn of(latencies: &Latencies) -> Percentiles {
        let at = |quantile| milliseconds(latencies.value_at_quantile(quantile));
        Percentiles {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            max: milliseconds(latencies.max()),
        }
    }
}

impl Rounds<'_> {
    /// Posts at this pace and waits for what is late.
    ///
    /// # Errors
    /// When a process to account for has ended.
    pub(crate) async fn measure(&mut self, crowd: &Crowd, pace: Pace) -> anyhow::Result<Round> {
        let shared = &crowd.shared;
        let senders = self.senders.len();
        let start = now_ns() + HEAD_START_NS;
        let schedule = Schedule::new(self.next, start, pace, senders, self.audience.rooms);
        self.next += schedule.count;
        let rooms = shared.members.iter().map(|member| {
            let reads = !member.stalled && member.writer.borrow().is_some();
            member.room.filter(|_| reads)
        });
        shared
            .tally
            .replace(Some(Tally::new(schedule.clone(), rooms)));
        let closed_before = shared.lost_connections();

        let (begin, end) = schedule.window();
        let poster = Poster {
            schedule,
            sockets: crowd.sockets(&self.senders)?,
            namespace: self.namespace.to_owned(),
            room_prefix: self.audience.room_prefix.clone(),
            bytes: self.audience.bytes,
            ack: !self.audience.no_ack,
        };
        let posting = tokio::task::spawn_blocking(|| poster.run());
        self.watch(crowd, pace.rate, begin, end).await;
        let (clocks, delivered) = (Clocks::read(self.processes)?, shared.delivered.get());
        self.watch(crowd, pace.rate, end, end).await;
        let usage = Clocks::read(self.processes)?.since(&clocks);
        let delivered = shared.delivered.get() - delivered;
        let posted = posting.await.context("the posting thread failed")?;
        self.drain(crowd, &posted).await;

        let closed = shared.lost_connections() - closed_before;
        let tally = shared.tally.take().context("a round's account is gone")?;
        Ok(self.report(pace.rate, &tally, &posted, closed, delivered, usage))
    }

    /// Waits until `until`, and shows how it goes.
    async fn watch(&self, crowd: &Crowd, rate: f64, until: u64, end: u64) {
        let mut last = (now_ns(), crowd.shared.delivered.get());
        while now_ns() < until {
            wait_until(until.min(now_ns() + LOOK.as_nanos() as u64)).await;
            let (now, delivered) = (now_ns(), crowd.shared.delivered.get());
            self.progress.show(|| {
                let tally = crowd.shared.tally.borrow();
                let p99 = tally
                    .as_ref()
                    .map_or(0, |tally| tally.latency.value_at_quantile(0.99));
                format!(
                    "{rate:.1} posts/s, {:.0} deliveries/s, p99 {:.1} ms, {:.0} s to go",
                    (delivered - last.1) as f64 / seconds_between(last.0, now),
                    milliseconds(p99),
                    seconds_between(now, end)
                )
            });
            last = (now, delivered);
        }
    }

    /// Waits for what is late, as long as some of it comes.
    async fn drain(&self, crowd: &Crowd, posted: &Posted) {
        let shared = &crowd.shared;
        if let Some(tally) = shared.tally.borrow_mut().as_mut() {
            for number in &posted.not_taken {
                tally.not_taken(*number);
            }
        }
        let missing = || {
            let tally = shared.tally.borrow();
            let acks = |tally: &Tally| match self.audience.no_ack {
                true => 0,
                false => tally.unanswered(),
            };
            tally.as_ref().map_or(0, |tally| tally.lost() + acks(tally))
        };
        let begin = now_ns();
        let mut last = (missing(), begin);
        while last.0 > 0 && seconds_between(begin, now_ns()) < self.audience.drain {
            self.progress
                .show(|| format!("waiting for {} late ones", last.0));
            sleep(DRAIN_LOOK).await;
            let now = missing();
            if now != last.0 {
                last = (now, now_ns());
            } else if now_ns() - last.1 > DRAIN_SILENCE_NS {
                break;
            }
        }
        sleep(AFTERMATH).await;
    }

    fn report(
        &self,
        rate: f64,
        tally: &Tally,
        posted: &Posted,
        closed_connections: u64,
        delivered: u64,
        usage: Usage,
    ) -> Round {
        Round {
            rate,
            posts: Posts {
                sent: tally.sent(),
                accepted: tally.accepted,
                refused: tally.refused.clone(),
                unanswered: match self.audience.no_ack {
                    true => 0,
                    false => tally.unanswered(),
                },
                answered_twice: tally.answered_twice,
                not_taken: posted.not_taken.len() as u64,
                late_p99_ms: milliseconds(posted.lag.value_at_quantile(0.99)),
            },
            deliveries: Deliveries {
                per_second: delivered as f64 / usage.seconds,
                owed: tally.owed(),
                received: tally.received,
                lost: tally.lost(),
                doubled: tally.doubled,
                out_of_order: tally.out_of_order,
                wrong_room: tally.wrong_room,
                malformed: tally.malformed,
                order_differs: tally.order_differs(),
            },
            latency_ms: Percentiles::of(&tally.latency),
            ack_latency_ms: (!self.audience.no_ack).then(|| Percentiles::of(&tally.ack_latency)),
            closed_connections,
            cpu_us_per_delivery: usage.microseconds_per(delivered),
            generator_cpu_us_per_delivery: usage.generator_microseconds_per(delivered),
            generator_was_the_limit: usage.generator_was_the_limit(),
            usage,
        }
    }
}

impl Round {
    /// Why this rate did not hold, whatever the latencies; `None` when it did.
    pub(crate) fn overload(&self) -> Option<String> {
        let refused = self.posts.refused.values().sum();
        let faults = [
            (self.closed_connections, "connections closed"),
            (self.deliveries.lost, "deliveries lost"),
            (refused, "posts refused"),
            (self.posts.unanswered, "posts unanswered"),
            (self.posts.not_taken, "posts not taken"),
        ];
        let (count, what) = faults.into_iter().find(|(count, _)| *count > 0)?;
        Some(format!("{count} {what}"))
    }

    /// Whether every post and every delivery was right.
    pub(crate) fn is_right(&self) -> bool {
        let deliveries = &self.deliveries;
        let faults = deliveries.doubled
            + deliveries.out_of_order
            + deliveries.wrong_room
            + deliveries.malformed
            + deliveries.order_differs
            + self.posts.answered_twice;
        faults == 0 && self.overload().is_none()
    }
}

fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1000.0
}
