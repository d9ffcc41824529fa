use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use messaging::{Chats, Subscriber, Unavailable};
use models::{RoomName, redis_keys};
use tokio::time::Instant;

/// A fan-out that has not come to the end of what was published for so long is behind.
const BEHIND: Duration = Duration::from_millis(500);
/// How often a room in which people talk is marked active.
const MARK_EVERY: Duration = Duration::from_secs(1);

/// The rooms this node has members of, and listens to.
///
/// A room without members is listened to until the next [`Subscriptions::prune`], so that somebody who leaves and
/// comes back costs nothing. No lock is held while anybody waits.
pub(crate) struct Subscriptions {
    subscriber: Subscriber,
    chats: Chats,
    /// By channel, as messages come.
    rooms: Mutex<HashMap<String, Listening>>,
}

struct Listening {
    room: Arc<RoomName>,
    /// How many there are on each worker thread.
    members: Vec<usize>,
    confirmed: bool,
    /// The last message that came, or was there when listening began.
    last_seq: u64,
    /// When the room was last marked active from here.
    marked: Option<Instant>,
}

impl Listening {
    fn new(room: &RoomName) -> Self {
        Self {
            room: Arc::new(room.clone()),
            members: Vec::new(),
            confirmed: false,
            last_seq: 0,
            marked: None,
        }
    }

    fn members(&mut self, worker: usize) -> &mut usize {
        if self.members.len() <= worker {
            self.members.resize(worker + 1, 0);
        }
        &mut self.members[worker]
    }

    fn workers(&self) -> impl Iterator<Item = usize> {
        let counts = self.members.iter().enumerate();
        counts.filter_map(|(worker, members)| (*members > 0).then_some(worker))
    }
}

/// A room that is listened to.
pub(crate) struct Followed {
    pub(crate) room: Arc<RoomName>,
    /// Its channel.
    pub(crate) channel: String,
    /// The last message of it that came.
    pub(crate) last_seq: u64,
}

impl Subscriptions {
    pub(crate) fn new(subscriber: Subscriber, chats: Chats) -> Self {
        Self {
            subscriber,
            chats,
            rooms: Mutex::default(),
        }
    }

    /// Counts one more member on a worker thread; when this returns, what is published in the room arrives there.
    ///
    /// # Errors
    /// When Redis does not answer; the member is not counted then.
    pub(crate) async fn enter(&self, room: &RoomName, worker: usize) -> Result<(), Unavailable> {
        let channel = redis_keys::room_channel(room);
        {
            let mut rooms = self.rooms();
            let listening = rooms
                .entry(channel.clone())
                .or_insert_with(|| Listening::new(room));
            *listening.members(worker) += 1;
            if listening.confirmed {
                return Ok(());
            }
        }
        let confirmed = self.listen(room, channel).await;
        if confirmed.is_err() {
            self.leave(room, worker);
        }
        confirmed
    }

    async fn listen(&self, room: &RoomName, channel: String) -> Result<(), Unavailable> {
        self.subscriber.subscribe(channel.clone()).await?;
        let last_seq = self.chats.last_seq(room).await?;
        if let Some(listening) = self.rooms().get_mut(&channel) {
            listening.confirmed = true;
            listening.last_seq = listening.last_seq.max(last_seq);
        }
        Ok(())
    }

    /// Counts one member less.
    pub(crate) fn leave(&self, room: &RoomName, worker: usize) {
        let channel = redis_keys::room_channel(room);
        if let Some(listening) = self.rooms().get_mut(&channel) {
            *listening.members(worker) -= 1;
        }
    }

    /// Something was published on a room's channel: message `seq`, or 0 for what is no message. `deliver` is called
    /// for each worker thread that has members, unless the message was here before.
    pub(crate) fn arrived(
        &self,
        channel: &str,
        seq: u64,
        mut deliver: impl FnMut(usize, &Arc<RoomName>),
    ) {
        let mut rooms = self.rooms();
        let Some(listening) = rooms.get_mut(channel) else {
            return;
        };
        // While listening is not confirmed, nobody knows yet which message was the last one before it.
        if seq > 0 && seq <= listening.last_seq && listening.confirmed {
            return;
        }
        listening.last_seq = listening.last_seq.max(seq);
        for worker in listening.workers() {
            deliver(worker, &listening.room);
        }
    }

    /// Are messages published faster than this node can deliver them? It should not add to them then.
    pub(crate) fn are_behind(&self) -> bool {
        self.subscriber.behind() > BEHIND
    }

    /// Redis has lost what came after message `seq` of a room: the next message has the number after it.
    pub(crate) fn rewind(&self, channel: &str, seq: u64) {
        if let Some(listening) = self.rooms().get_mut(channel) {
            listening.last_seq = seq;
        }
    }

    /// Should the room be marked active for a message? Once in [`MARK_EVERY`].
    pub(crate) fn is_mark_due(&self, room: &RoomName) -> bool {
        let now = Instant::now();
        let mut rooms = self.rooms();
        let Some(listening) = rooms.get_mut(&redis_keys::room_channel(room)) else {
            return true;
        };
        let due = listening
            .marked
            .is_none_or(|marked| now.duration_since(marked) >= MARK_EVERY);
        if due {
            listening.marked = Some(now);
        }
        due
    }

    /// The rooms listened to.
    pub(crate) fn followed(&self) -> Vec<Followed> {
        let rooms = self.rooms();
        let followed = rooms.iter().map(|(channel, listening)| Followed {
            room: listening.room.clone(),
            channel: channel.clone(),
            last_seq: listening.last_seq,
        });
        followed.collect()
    }

    /// Stops listening to rooms without members; a room the subscriber is too busy for waits for the next time. The
    /// lock is held meanwhile, so that a member who enters just now subscribes after this has unsubscribed.
    pub(crate) fn prune(&self) {
        self.rooms().retain(|channel, listening| {
            listening.workers().next().is_some() || !self.subscriber.unsubscribe(channel.clone())
        });
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<String, Listening>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
