use std::collections::HashMap;

use messaging::{Chats, Subscriber, Unavailable};
use models::{RoomName, redis_keys};
use tokio::sync::Mutex;

/// The rooms this node has members of, and listens to.
///
/// A room without members is listened to until the next [`Subscriptions::prune`], so that somebody who leaves and
/// comes back costs nothing.
pub(crate) struct Subscriptions {
    subscriber: Subscriber,
    chats: Chats,
    rooms: Mutex<HashMap<RoomName, Listening>>,
}

#[derive(Default)]
struct Listening {
    members: usize,
    confirmed: bool,
    /// The last message that came, or was there when listening began.
    last_seq: u64,
}

impl Subscriptions {
    pub(crate) fn new(subscriber: Subscriber, chats: Chats) -> Self {
        Self {
            subscriber,
            chats,
            rooms: Mutex::default(),
        }
    }

    /// Counts one more member; when this returns, what is published in the room arrives.
    ///
    /// # Errors
    /// When Redis does not answer; the member is not counted then.
    pub(crate) async fn enter(&self, room: &RoomName) -> Result<(), Unavailable> {
        {
            let mut rooms = self.rooms.lock().await;
            let listening = rooms.entry(room.clone()).or_default();
            listening.members += 1;
            if listening.confirmed {
                return Ok(());
            }
        }
        let confirmed = self.listen(room).await;
        if confirmed.is_err() {
            self.leave(room).await;
        }
        confirmed
    }

    async fn listen(&self, room: &RoomName) -> Result<(), Unavailable> {
        self.subscriber
            .subscribe(redis_keys::room_channel(room))
            .await?;
        let last_seq = self.chats.last_seq(room).await?;
        if let Some(listening) = self.rooms.lock().await.get_mut(room) {
            listening.confirmed = true;
            listening.last_seq = listening.last_seq.max(last_seq);
        }
        Ok(())
    }

    /// Counts one member less.
    pub(crate) async fn leave(&self, room: &RoomName) {
        if let Some(listening) = self.rooms.lock().await.get_mut(room) {
            listening.members -= 1;
        }
    }

    /// Message `seq` of a room is here. False when it was here before.
    pub(crate) async fn arrived(&self, room: &RoomName, seq: u64) -> bool {
        match self.rooms.lock().await.get_mut(room) {
            Some(listening) if seq > listening.last_seq => {
                listening.last_seq = seq;
                true
            }
            // Nobody is counted in the room yet, or the message was made up for already.
            Some(listening) => !listening.confirmed,
            None => false,
        }
    }

    /// Redis has lost what came after message `seq` of a room: the next message has the number after it.
    pub(crate) async fn rewind(&self, room: &RoomName, seq: u64) {
        if let Some(listening) = self.rooms.lock().await.get_mut(room) {
            listening.last_seq = seq;
        }
    }

    /// The rooms listened to, with the last message of each that came.
    pub(crate) async fn rooms(&self) -> Vec<(RoomName, u64)> {
        let rooms = self.rooms.lock().await;
        rooms
            .iter()
            .map(|(room, listening)| (room.clone(), listening.last_seq))
            .collect()
    }

    /// Stops listening to rooms without members; a room the subscriber is too busy for waits for the next time. The
    /// lock is held meanwhile, so that a member who enters just now subscribes after this has unsubscribed.
    pub(crate) async fn prune(&self) {
        let mut rooms = self.rooms.lock().await;
        rooms.retain(|room, listening| {
            listening.members > 0 || !self.subscriber.unsubscribe(redis_keys::room_channel(room))
        });
    }
}
