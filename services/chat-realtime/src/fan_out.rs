//! From Redis to the sockets: one task per node reads what is published, makes a frame of it, and hands the frame to
//! each worker thread that has sockets in the room, which gives it to them.
//!
//! What has been published by the time a worker is ready for more travels together, so the busier it is here, the less
//! each message costs.
//!
//! Every queue is bounded. When a worker falls behind, the node's task waits, and messages pile up in the subscriber's
//! queue. When it has not been empty for a while, new ones are refused
//! ([`Subscriptions::are_behind`](crate::subscriptions::Subscriptions::are_behind)). When they fill all of it, the
//! subscriber drops its connection and makes a new one, and what was missed is read from the rooms' streams.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use messaging::{Envelope, Published, Unavailable};
use models::{
    RoomName,
    events::{ADD_CHAT, GET_ROOM, GET_USER, NAMESPACE},
    redis_keys,
};
use serde::Serialize;
use socketio::Frame;
use tokio::{sync::mpsc, time::sleep};

use crate::{events::get_room, node::Node, subscriptions::Followed};

/// Batches that wait for one worker thread.
const QUEUE: usize = 4;
/// Messages that travel together at most.
const BATCH: usize = 64;
/// Messages read at once when a room is caught up on.
const CATCH_UP: usize = 500;
/// The wait before a catch-up that failed is tried again.
const CATCH_UP_PAUSE: Duration = Duration::from_millis(200);

/// A frame for the sockets of one worker thread.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// `None` for every socket.
    pub(crate) room: Option<Arc<RoomName>>,
    /// The socket that is not to get it.
    pub(crate) except: Option<String>,
    pub(crate) frame: Frame,
}

/// What travels together to one worker thread, in order.
pub(crate) type Batch = Vec<Delivery>;

/// The worker threads of this node. Cloning shares them.
#[derive(Clone, Default)]
pub(crate) struct Workers(Arc<Mutex<Vec<mpsc::Sender<Batch>>>>);

impl Workers {
    /// One more worker thread: its number, and where that what it has to deliver comes out.
    pub(crate) fn add(&self) -> (usize, mpsc::Receiver<Batch>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let mut workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        workers.push(sender);
        (workers.len() - 1, receiver)
    }

    fn all(&self) -> Vec<mpsc::Sender<Batch>> {
        let workers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        workers.clone()
    }
}

/// Delivers what is published until the subscriber ends.
pub(crate) async fn run(
    node: Arc<Node>,
    workers: Workers,
    mut published: mpsc::Receiver<Published>,
) {
    let mut outgoing = Outgoing::new(workers);
    let mut batch = Vec::with_capacity(BATCH);
    while published.recv_many(&mut batch, BATCH).await > 0 {
        for published in batch.drain(..) {
            match published {
                Published::Message { channel, payload } => {
                    let Some(envelope) = Envelope::parse(&payload) else {
                        tracing::warn!(channel, "something that is no envelope was published");
                        continue;
                    };
                    outgoing.add(&node, &channel, envelope);
                }
                Published::Resubscribed => {
                    outgoing.send().await;
                    // Until it is done: what is published waits, and goes out after what was missed.
                    while catch_up(&node, &mut outgoing).await.is_err() {
                        sleep(CATCH_UP_PAUSE).await;
                    }
                }
            }
        }
        outgoing.send().await;
    }
}

/// What is to travel next, by worker thread.
struct Outgoing {
    workers: Workers,
    batches: Vec<Batch>,
}

impl Outgoing {
    fn new(workers: Workers) -> Self {
        Self {
            workers,
            batches: Vec::new(),
        }
    }

    /// Adds what was published on a channel, for the workers that have members there.
    fn add(&mut self, node: &Node, channel: &str, envelope: Envelope) {
        let Ok(packet) = std::str::from_utf8(&envelope.packet) else {
            return;
        };
        let mut delivery = Delivery {
            room: None,
            except: envelope.except,
            frame: Frame::text(packet),
        };
        if channel == redis_keys::LOBBY_CHANNEL {
            for worker in 0..self.workers.all().len() {
                self.batch(worker).push(delivery.clone());
            }
            return;
        }
        node.subscriptions
            .arrived(channel, envelope.seq, |worker, room| {
                delivery.room = Some(room.clone());
                self.batch(worker).push(delivery.clone());
            });
    }

    fn batch(&mut self, worker: usize) -> &mut Batch {
        if self.batches.len() <= worker {
            self.batches.resize_with(worker + 1, Vec::new);
        }
        &mut self.batches[worker]
    }

    /// Sends everything on its way, and waits for workers that are not ready for it.
    async fn send(&mut self) {
        for (batch, worker) in self.batches.iter_mut().zip(self.workers.all()) {
            if !batch.is_empty() {
                // A worker that has ended has no sockets.
                let _ = worker.send(mem::take(batch)).await;
            }
        }
    }
}

/// Gives every room what it missed: messages by their numbers, and the lists of rooms and people anew.
async fn catch_up(node: &Node, outgoing: &mut Outgoing) -> Result<(), Unavailable> {
    let rooms = get_room::list(node).await?;
    outgoing.add(
        node,
        redis_keys::LOBBY_CHANNEL,
        envelope(0, GET_ROOM, &rooms),
    );
    outgoing.send().await;
    for followed in node.subscriptions.followed() {
        catch_up_room(node, outgoing, followed).await?;
    }
    Ok(())
}

async fn catch_up_room(
    node: &Node,
    outgoing: &mut Outgoing,
    followed: Followed,
) -> Result<(), Unavailable> {
    let Followed {
        room,
        channel,
        mut last_seq,
    } = followed;
    let stored = node.chats.last_seq(&room).await?;
    if stored < last_seq {
        tracing::warn!(%room, last_seq, stored, "Redis has lost messages, their numbers are given anew");
        node.subscriptions.rewind(&channel, stored);
        last_seq = stored;
    }
    loop {
        let missed = node.chats.since(&room, last_seq, CATCH_UP).await?;
        for chat in &missed.chats {
            last_seq = chat.seq;
            outgoing.add(node, &channel, envelope(chat.seq, ADD_CHAT, chat));
        }
        outgoing.send().await;
        if !missed.more {
            break;
        }
    }
    let users = node.presence.in_room(&room).await?;
    outgoing.add(node, &channel, envelope(0, GET_USER, &users));
    outgoing.send().await;
    Ok(())
}

/// An event as it would have been published.
fn envelope<T: Serialize>(seq: u64, event: &str, data: &T) -> Envelope {
    // Plain data of ours always serializes.
    let json = serde_json::to_string(data).unwrap_or_default();
    Envelope {
        seq,
        except: None,
        packet: format!("2{NAMESPACE},[\"{event}\",{json}]").into(),
    }
}
