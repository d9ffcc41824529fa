//! The account of one round: every post, every acknowledgement, every delivery.

use std::collections::{BTreeMap, HashMap};

use hdrhistogram::Histogram;

use super::schedule::{Post, Schedule};

/// Latencies in microseconds, up to two minutes, to three figures.
pub(crate) type Latencies = Histogram<u64>;

/// An empty histogram of latencies.
#[expect(clippy::expect_used, reason = "the bounds are fixed and valid")]
pub(crate) fn latencies() -> Latencies {
    Histogram::new_with_bounds(1, 120_000_000, 3).expect("valid bounds")
}

/// What became of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Not acknowledged (yet).
    Open,
    Accepted,
    /// Owed to nobody.
    Refused,
    /// The connection did not take it: the server had stopped reading.
    NotTaken,
}

/// What one connection received.
#[derive(Default)]
struct Receipts {
    /// `None` for a connection that is owed nothing: it does not read, or it is closed.
    room: Option<usize>,
    seen: Bits,
    /// Hash of the sequence of posts as they came.
    order: u64,
    /// Per sender of the room: one more than the last of its posts that came.
    next_of: Vec<u32>,
}

/// A set of small numbers.
#[derive(Clone, Default)]
struct Bits(Vec<u64>);

impl Bits {
    /// Whether it was not there yet.
    fn insert(&mut self, number: u32) -> bool {
        let (word, bit) = (number as usize / 64, 1 << (number % 64));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        new
    }

    fn remove(&mut self, number: u32) {
        if let Some(word) = self.0.get_mut(number as usize / 64) {
            *word &= !(1 << (number % 64));
        }
    }

    /// How many of these are not in `other`.
    fn missing_in(&self, other: &Bits) -> u64 {
        let others = other.0.iter().copied().chain(std::iter::repeat(0));
        let missing = self.0.iter().zip(others);
        missing
            .map(|(mine, other)| u64::from((mine & !other).count_ones()))
            .sum()
    }

    fn len(&self) -> u64 {
        self.missing_in(&Bits::default())
    }
}

/// The account of one round.
pub(crate) struct Tally {
    schedule: Schedule,
    receipts: Vec<Receipts>,
    fates: Vec<Fate>,
    /// The posts of each room that are owed to its members.
    owed: Vec<Bits>,
    /// What connections that have ended had received by then: no more was owed to them.
    settled: u64,
    /// Deliveries, each once.
    pub(crate) received: u64,
    /// Deliveries that had come before.
    pub(crate) doubled: u64,
    /// Deliveries behind a later post of the same sender.
    pub(crate) out_of_order: u64,
    /// Deliveries to connections that are in another room.
    pub(crate) wrong_room: u64,
    /// Deliveries without what an `AddChat` has to carry.
    pub(crate) malformed: u64,
    /// From the time a post was due to the time a member had read it; measured posts alone.
    pub(crate) latency: Latencies,
    /// From the time a post was due to its acknowledgement; measured posts alone.
    pub(crate) ack_latency: Latencies,
    /// Posts accepted.
    pub(crate) accepted: u64,
    /// Posts refused, by the code of the refusal.
    pub(crate) refused: BTreeMap<String, u64>,
    /// Acknowledgements of posts that had been acknowledged before.
    pub(crate) answered_twice: u64,
}

impl Tally {
    /// An empty account for connections in these rooms; `None` stands for one that is owed nothing.
    pub(crate) fn new(schedule: Schedule, rooms: impl Iterator<Item = Option<usize>>) -> Tally {
        let receipts = rooms
            .map(|room| Receipts {
                room,
                ..Receipts::default()
            })
            .collect();
        let mut owed = vec![Bits::default(); schedule.rooms as usize];
        for (_, post) in schedule.posts() {
            owed[post.room].insert(post.seq);
        }
        Tally {
            receipts,
            fates: vec![Fate::Open; schedule.count as usize],
            owed,
            settled: 0,
            received: 0,
            doubled: 0,
            out_of_order: 0,
            wrong_room: 0,
            malformed: 0,
            latency: latencies(),
            ack_latency: latencies(),
            accepted: 0,
            refused: BTreeMap::new(),
            answered_twice: 0,
            schedule,
        }
    }

    /// A connection has received a post. True when it is the connection's first of this round.
    pub(crate) fn delivered(&mut self, connection: usize, number: u64, at_ns: u64) -> bool {
        let receipts = &mut self.receipts[connection];
        let (Some(room), Some(post)) = (receipts.room, self.schedule.post(number)) else {
            return false;
        };
        if room != post.room {
            self.wrong_room += 1;
            return false;
        }
        if !receipts.seen.insert(post.seq) {
            self.doubled += 1;
            return false;
        }
        let first = receipts.order == 0;
        // Post 0 counts too: without the 1, an order that begins with it would hash like one without it.
        receipts.order = receipts
            .order
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .wrapping_add(u64::from(post.seq) + 1);
        if receipts.next_of.len() <= post.slot {
            receipts.next_of.resize(post.slot + 1, 0);
        }
        let next = &mut receipts.next_of[post.slot];
        if post.seq < *next {
            self.out_of_order += 1;
        } else {
            *next = post.seq + 1;
        }
        self.received += 1;
        if post.measured {
            self.latency.saturating_record(microseconds(&post, at_ns));
        }
        first
    }

    /// A post was acknowledged: accepted, or refused with a code.
    pub(crate) fn answered(&mut self, number: u64, refusal: Option<String>, at_ns: u64) {
        let Some(post) = self.schedule.post(number) else {
            return;
        };
        let fate = &mut self.fates[post.index];
        if *fate != Fate::Open {
            self.answered_twice += 1;
            return;
        }
        match refusal {
            None => {
                *fate = Fate::Accepted;
                self.accepted += 1;
            }
            Some(code) => {
                *fate = Fate::Refused;
                *self.refused.entry(code).or_default() += 1;
                self.owed[post.room].remove(post.seq);
            }
        }
        if post.measured {
            self.ack_latency
                .saturating_record(microseconds(&post, at_ns));
        }
    }

    /// A post was not sent, because its connection did not take it.
    pub(crate) fn not_taken(&mut self, number: u64) {
        if let Some(post) = self.schedule.post(number) {
            self.fates[post.index] = Fate::NotTaken;
            self.owed[post.room].remove(post.seq);
        }
    }

    /// A connection has ended: nothing is owed to it any more.
    pub(crate) fn left(&mut self, connection: usize) {
        let receipts = &mut self.receipts[connection];
        if receipts.room.take().is_some() {
            self.settled += receipts.seen.len();
        }
    }

    /// Posts that were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.count(|fate| fate != Fate::NotTaken)
    }

    /// Posts that were sent and not acknowledged.
    pub(crate) fn unanswered(&self) -> u64 {
        self.count(|fate| fate == Fate::Open)
    }

    /// Deliveries owed: each post that was not refused, to each member of its room as long as it
    /// was connected.
    pub(crate) fn owed(&self) -> u64 {
        self.settled + self.members().map(|(_, owed)| owed.len()).sum::<u64>()
    }

    /// Deliveries owed that have not come.
    pub(crate) fn lost(&self) -> u64 {
        self.members()
            .map(|(receipts, owed)| owed.missing_in(&receipts.seen))
            .sum()
    }

    /// Connections that saw their room's posts in another order than most of its members. Those
    /// that lost some are not counted: they saw another sequence anyway.
    pub(crate) fn order_differs(&self) -> u64 {
        let mut orders: HashMap<usize, HashMap<u64, u64>> = HashMap::new();
        for (receipts, owed) in self.members() {
            if let (Some(room), 0) = (receipts.room, owed.missing_in(&receipts.seen)) {
                let screens = orders.entry(room).or_default();
                *screens.entry(receipts.order).or_default() += 1;
            }
        }
        let others = |screens: &HashMap<u64, u64>| {
            screens.values().sum::<u64>() - screens.values().max().copied().unwrap_or(0)
        };
        orders.values().map(others).sum()
    }

    fn members(&self) -> impl Iterator<Item = (&Receipts, &Bits)> {
        self.receipts
            .iter()
            .filter_map(|receipts| Some((receipts, &self.owed[receipts.room?])))
    }

    fn count(&self, wanted: impl Fn(Fate) -> bool) -> u64 {
        self.fates.iter().filter(|fate| wanted(**fate)).count() as u64
    }
}

fn microseconds(post: &Post, at_ns: u64) -> u64 {
    at_ns.saturating_sub(post.due_ns) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::schedule::Pace;

    /// Posts 100 to 109 in room 0 by two senders in turn, the first two as a warm-up, 100 ms apart;
    /// three connections there and one that does not read.
    fn tally() -> Tally {
        let pace = Pace {
            rate: 10.0,
            warmup: 0.2,
            seconds: 0.8,
        };
        let schedule = Schedule::new(100, 1_000_000_000, pace, 2, 1);
        assert_eq!(schedule.count, 10);
        Tally::new(schedule, [Some(0), Some(0), Some(0), None].into_iter())
    }

    fn deliver(tally: &mut Tally, connection: usize, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            tally.delivered(connection, number, 2_000_000_000);
        }
    }

    #[test]
    fn all_is_well_when_everybody_gets_everything_once_and_in_order() {
        let mut tally = tally();
        for connection in 0..4 {
            deliver(&mut tally, connection, 100..110);
        }
        assert_eq!((tally.owed(), tally.received, tally.lost()), (30, 30, 0));
        assert_eq!((tally.doubled, tally.out_of_order), (0, 0));
        assert_eq!(tally.order_differs(), 0);
        assert_eq!(tally.latency.len(), 24, "the warm-up is not measured");
    }

    #[test]
    fn a_lost_delivery_is_counted_for_each_connection_it_is_owed_to() {
        let mut tally = tally();
        deliver(&mut tally, 0, 100..110);
        deliver(&mut tally, 1, (100..110).filter(|number| *number != 104));
        assert_eq!(tally.lost(), 11, "one of connection 1, ten of connection 2");
        deliver(&mut tally, 2, 100..103);
        tally.left(2);
        tally.left(2);
        assert_eq!((tally.lost(), tally.owed(), tally.received), (1, 23, 22));
    }

    #[test]
    fn a_doubled_delivery_is_counted_once_as_received() {
        let mut tally = tally();
        deliver(&mut tally, 0, [100, 101, 100, 100]);
        assert_eq!((tally.received, tally.doubled), (2, 2));
    }

    #[test]
    fn only_a_post_behind_a_later_one_of_its_own_sender_is_out_of_order() {
        let mut tally = tally();
        // 101 is the other sender's, and may come before 100.
        deliver(&mut tally, 0, [101, 100, 104, 102, 103]);
        assert_eq!(tally.out_of_order, 1, "102 behind 104");
    }

    #[test]
    fn one_screen_with_another_order_is_found_though_each_sender_s_order_holds() {
        let mut tally = tally();
        deliver(&mut tally, 0, 100..110);
        deliver(&mut tally, 1, 100..110);
        deliver(&mut tally, 2, [101, 100].into_iter().chain(102..110));
        assert_eq!((tally.out_of_order, tally.lost()), (0, 0));
        assert_eq!(tally.order_differs(), 1);
    }

    #[test]
    fn a_screen_with_a_hole_is_lost_posts_and_no_other_order() {
        let mut tally = tally();
        deliver(&mut tally, 0, 100..110);
        deliver(&mut tally, 1, 100..110);
        deliver(&mut tally, 2, 101..110);
        assert_eq!((tally.lost(), tally.order_differs()), (1, 0));
    }

    #[test]
    fn refused_and_unsent_posts_are_owed_to_nobody() {
        let mut tally = tally();
        tally.not_taken(109);
        tally.answered(100, None, 1_050_000_000);
        tally.answered(101, Some("rate_limited".into()), 2_000_000_000);
        tally.answered(101, None, 2_000_000_000);
        tally.answered(102, None, 1_250_000_000);
        assert_eq!(
            (tally.sent(), tally.accepted, tally.unanswered()),
            (9, 2, 6)
        );
        assert_eq!(tally.refused["rate_limited"], 1);
        assert_eq!(tally.answered_twice, 1);
        assert_eq!(tally.owed(), 24, "8 posts, 3 members");
        let waited = tally.ack_latency.max();
        assert!((49_900..50_100).contains(&waited), "{waited} microseconds");
        for connection in 0..3 {
            deliver(&mut tally, connection, 100..109);
        }
        assert_eq!(tally.lost(), 0, "a refused post that came all the same");
    }

    #[test]
    fn what_is_not_of_this_round_or_not_owed_is_left_out() {
        let mut tally = tally();
        deliver(&mut tally, 0, [99, 110]);
        deliver(&mut tally, 3, [100]);
        assert_eq!(tally.received, 0);
    }

    #[test]
    fn a_post_of_another_room_is_found() {
        let pace = Pace {
            rate: 10.0,
            warmup: 0.0,
            seconds: 1.0,
        };
        let schedule = Schedule::new(1, 0, pace, 2, 2);
        let mut tally = Tally::new(schedule, [Some(0), Some(1)].into_iter());
        deliver(&mut tally, 0, [1, 2]);
        assert_eq!((tally.received, tally.wrong_room), (1, 1));
    }
}
