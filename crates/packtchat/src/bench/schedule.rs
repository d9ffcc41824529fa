//! Which post is due when, and by whom: all of it follows from the post's number.
//!
//! Posts are due at fixed times, whatever the servers do (an open loop). Latency counts from the
//! time a post is due, so a stall counts against every post it delays.

/// The posts of one round: a warm-up and a measured part, without a break between them.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// The number of the first post. Numbers go on from round to round, so that what comes late
    /// from the round before is known as such.
    pub(crate) first: u64,
    /// When the first post is due.
    pub(crate) start_ns: u64,
    /// Posts a second, all senders together.
    pub(crate) rate: f64,
    /// Posts of the warm-up.
    pub(crate) warm: u64,
    /// Posts in all.
    pub(crate) count: u64,
    /// Connections that post, in turn.
    pub(crate) senders: u64,
    /// Sender `i` posts in room `i % rooms`.
    pub(crate) rooms: u64,
}

/// How fast and how long to post.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Posts a second, all senders together.
    pub(crate) rate: f64,
    /// Seconds posted before measuring.
    pub(crate) warmup: f64,
    /// Seconds measured.
    pub(crate) seconds: f64,
}

/// One post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Post {
    /// Its place in the round.
    pub(crate) index: usize,
    /// When it is due.
    pub(crate) due_ns: u64,
    /// Who posts it.
    pub(crate) sender: usize,
    /// Where.
    pub(crate) room: usize,
    /// Which of the room's senders that is.
    pub(crate) slot: usize,
    /// Its place among the room's posts in this round.
    pub(crate) seq: u32,
    /// Whether it is past the warm-up.
    pub(crate) measured: bool,
}

impl Schedule {
    /// A round that begins at `start_ns` with post `first`.
    pub(crate) fn new(
        first: u64,
        start_ns: u64,
        pace: Pace,
        senders: usize,
        rooms: usize,
    ) -> Schedule {
        let posts = |seconds: f64| (seconds * pace.rate).ceil() as u64;
        let warm = posts(pace.warmup);
        Schedule {
            first,
            start_ns,
            rate: pace.rate,
            warm,
            count: warm + posts(pace.seconds).max(1),
            senders: senders as u64,
            rooms: rooms as u64,
        }
    }

    /// The post of this number; `None` when it is of another round.
    pub(crate) fn post(&self, number: u64) -> Option<Post> {
        let index = number.checked_sub(self.first)?;
        if index >= self.count {
            return None;
        }
        let (turn, sender) = (index / self.senders, index % self.senders);
        let (slot, room) = (sender / self.rooms, sender % self.rooms);
        let senders_of_room =
            self.senders / self.rooms + u64::from(room < self.senders % self.rooms);
        Some(Post {
            index: index as usize,
            due_ns: self.due_ns(index),
            sender: sender as usize,
            room: room as usize,
            slot: slot as usize,
            seq: (turn * senders_of_room + slot) as u32,
            measured: index >= self.warm,
        })
    }

    /// All posts, in the order in which they are due.
    pub(crate) fn posts(&self) -> impl Iterator<Item = (u64, Post)> {
        (self.first..self.first + self.count)
            .filter_map(|number| self.post(number).map(|post| (number, post)))
    }

    /// When the measured part begins and when it ends.
    pub(crate) fn window(&self) -> (u64, u64) {
        (self.due_ns(self.warm), self.due_ns(self.count))
    }

    fn due_ns(&self, index: u64) -> u64 {
        self.start_ns + (index as f64 * 1e9 / self.rate) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(senders: usize, rooms: usize) -> Schedule {
        let pace = Pace {
            rate: 100.0,
            warmup: 0.5,
            seconds: 1.0,
        };
        Schedule::new(1000, 5_000_000_000, pace, senders, rooms)
    }

    #[test]
    fn posts_are_due_at_even_times_and_the_window_leaves_out_the_warm_up() {
        let schedule = schedule(4, 2);
        let posts: Vec<Post> = schedule.posts().map(|(_, post)| post).collect();
        assert_eq!(posts.len(), 150);
        assert!(
            posts
                .windows(2)
                .all(|two| two[1].due_ns - two[0].due_ns == 10_000_000)
        );
        assert_eq!(posts.iter().filter(|post| post.measured).count(), 100);
        assert_eq!(schedule.window(), (5_500_000_000, 6_500_000_000));
        let first = posts.iter().find(|post| post.measured).unwrap();
        assert_eq!(first.due_ns, 5_500_000_000);
    }

    #[test]
    fn numbers_of_other_rounds_are_nobody_s() {
        let schedule = schedule(4, 2);
        assert_eq!(schedule.post(999), None);
        assert_eq!(schedule.post(1000).unwrap().index, 0);
        assert_eq!(schedule.post(1149).unwrap().index, 149);
        assert_eq!(schedule.post(1150), None);
    }

    #[test]
    fn the_posts_of_a_room_are_counted_without_a_gap_also_where_rooms_have_unequal_senders() {
        for (senders, rooms) in [(1, 1), (4, 2), (5, 2), (7, 3), (3, 3)] {
            let mut next_in_room = vec![0; rooms];
            for (_, post) in schedule(senders, rooms).posts() {
                assert_eq!(post.room, post.sender % rooms);
                assert_eq!(post.seq, next_in_room[post.room], "{senders} {rooms}");
                next_in_room[post.room] += 1;
            }
        }
    }
}
