use std::{
    collections::HashSet,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use redis::{
    AsyncConnectionConfig, PushInfo, PushKind, RedisError, Value, aio::MultiplexedConnection,
};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use crate::{Redis, Unavailable, backoff::Attempts, primary::Primary};

/// Subscriptions that wait to be made.
const COMMANDS: usize = 1_024;
/// How often an idle connection is asked whether it still lives.
const PING_EVERY: Duration = Duration::from_secs(5);

/// One pub/sub connection for a whole process. Cloning shares it. It ends when the receiver is dropped.
#[derive(Clone)]
pub struct Subscriber {
    commands: mpsc::Sender<Command>,
    published: mpsc::WeakSender<Published>,
    backlog: Arc<Backlog>,
    deadline: Duration,
}

/// What a [`Subscriber`] tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Published {
    /// A message on a channel.
    Message {
        /// Which channel.
        channel: String,
        /// What was published.
        payload: Bytes,
    },
    /// The connection was lost and is back with every subscription: what was published in between is missing.
    Resubscribed,
}

enum Command {
    Subscribe(String, oneshot::Sender<()>),
    Unsubscribe(String),
}

impl Subscriber {
    /// Messages that may wait for the reader. One more, and the connection is dropped and made again: memory stays
    /// bounded, and the reader learns that it has to catch up.
    pub const QUEUE: usize = 4_096;

    /// Connects in the background, for as long as the receiver lives.
    #[must_use]
    pub fn start(redis: &Redis) -> (Self, mpsc::Receiver<Published>) {
        let (commands, command_rx) = mpsc::channel(COMMANDS);
        let (published, published_rx) = mpsc::channel(Self::QUEUE);
        let subscriber = Self {
            commands,
            published: published.downgrade(),
            backlog: Arc::new(Backlog::new()),
            deadline: redis.deadline(),
        };
        let task = Task {
            primary: redis.primary().clone(),
            deadline: redis.deadline(),
            commands: command_rx,
            published,
            backlog: subscriber.backlog.clone(),
            channels: HashSet::new(),
        };
        tokio::spawn(task.run());
        (subscriber, published_rx)
    }

    /// For how long the reader has not come to the end of what waits for it; nothing when nothing waits.
    #[must_use]
    pub fn behind(&self) -> Duration {
        match self.published.upgrade() {
            Some(queue) if queue.capacity() < queue.max_capacity() => self.backlog.age(),
            _ => Duration::ZERO,
        }
    }

    /// Subscribes; when this returns, whatever is published from now on arrives.
    ///
    /// # Errors
    /// When Redis does not confirm within the deadline. The subscription is still wanted, and made as soon as it can
    /// be.
    pub async fn subscribe(&self, channel: String) -> Result<(), Unavailable> {
        let (done, confirmed) = oneshot::channel();
        let subscribed = async {
            self.commands
                .send(Command::Subscribe(channel, done))
                .await
                .ok()?;
            confirmed.await.ok()
        };
        timeout(self.deadline, subscribed)
            .await
            .ok()
            .flatten()
            .ok_or_else(|| Unavailable::redis("the subscription was not confirmed in time"))
    }

    /// Wants no more of this channel. Never waits: false when too much lies before it, as in an outage; nothing has
    /// changed then.
    #[must_use]
    pub fn unsubscribe(&self, channel: String) -> bool {
        self.commands
            .try_send(Command::Unsubscribe(channel))
            .is_ok()
    }
}

struct Task {
    primary: Primary,
    deadline: Duration,
    commands: mpsc::Receiver<Command>,
    published: mpsc::Sender<Published>,
    backlog: Arc<Backlog>,
    channels: HashSet<String>,
}

/// Why a connection ended.
enum Ended {
    /// Nobody listens any more.
    Abandoned,
    /// Something that a new connection may mend.
    Broken(String),
}

impl From<RedisError> for Ended {
    fn from(error: RedisError) -> Self {
        Self::Broken(error.to_string())
    }
}

impl Task {
    async fn run(mut self) {
        let mut attempts = Attempts::new("Redis pub/sub");
        let mut lost_messages = false;
        loop {
            match self.connection(&mut attempts, lost_messages).await {
                Ended::Abandoned => return,
                Ended::Broken(reason) => {
                    lost_messages = true;
                    tokio::select! {
                        () = attempts.failed(reason) => {}
                        () = self.published.closed() => return,
                    }
                }
            }
        }
    }

    async fn connection(&mut self, attempts: &mut Attempts, lost_messages: bool) -> Ended {
        let inbox = Arc::new(Inbox::new(
            self.published.clone(),
            self.backlog.clone(),
            lost_messages,
        ));
        match self.connect(&inbox).await {
            Ok(connection) => {
                attempts.succeeded();
                match self.serve(connection, &inbox).await {
                    Ok(ended) | Err(ended) => ended,
                }
            }
            Err(error) => error.into(),
        }
    }

    async fn connect(&self, inbox: &Arc<Inbox>) -> Result<MultiplexedConnection, RedisError> {
        let inbox = inbox.clone();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.deadline))
            .set_response_timeout(Some(self.deadline))
            .set_push_sender(move |push| inbox.take(push));
        let mut connection = self
            .primary
            .client()
            .await?
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        // In one command: a node may be in thousands of rooms.
        let channels: Vec<_> = self.channels.iter().map(String::as_str).collect();
        if !channels.is_empty() {
            connection.subscribe(channels.as_slice()).await?;
        }
        Ok(connection)
    }

    async fn serve(
        &mut self,
        mut connection: MultiplexedConnection,
        inbox: &Inbox,
    ) -> Result<Ended, Ended> {
        let mut ping = interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                reason = inbox.ended() => return Err(Ended::Broken(reason.to_owned())),
                command = self.commands.recv() => match command {
                    Some(Command::Subscribe(channel, done)) => {
                        // Remembered first: if this connection fails, the next one subscribes.
                        self.channels.insert(channel.clone());
                        connection.subscribe(&channel).await?;
                        let _ = done.send(());
                    }
                    Some(Command::Unsubscribe(channel)) => {
                        self.channels.remove(&channel);
                        connection.unsubscribe(&channel).await?;
                    }
                    None => return Ok(Ended::Abandoned),
                },
                _ = ping.tick() => redis::cmd("PING").exec_async(&mut connection).await?,
                () = self.published.closed() => return Ok(Ended::Abandoned),
            }
        }
    }
}

/// What one connection pushes, on its way to the reader. Never waits: it is filled by the task that reads from Redis.
struct Inbox {
    published: mpsc::Sender<Published>,
    backlog: Arc<Backlog>,
    /// Messages may be missing before the first one; the reader is not told yet.
    lost_messages: AtomicBool,
    ended: OnceLock<&'static str>,
    end: Notify,
}

impl Inbox {
    fn new(published: mpsc::Sender<Published>, backlog: Arc<Backlog>, lost_messages: bool) -> Self {
        Self {
            published,
            backlog,
            lost_messages: AtomicBool::new(lost_messages),
            ended: OnceLock::new(),
            end: Notify::new(),
        }
    }

    fn take(&self, push: PushInfo) -> Result<(), &'static str> {
        match push.kind {
            PushKind::Message => message(push.data).map_or(Ok(()), |message| self.queue(message)),
            // All channels are confirmed before anything that is published from then on.
            PushKind::Subscribe if self.lost_messages.swap(false, Ordering::Relaxed) => {
                self.queue(Published::Resubscribed)
            }
            PushKind::Disconnection => self.give_up("the connection was closed"),
            _ => Ok(()),
        }
    }

    /// Nothing is queued after something that was not: what follows a hole would hide it.
    fn queue(&self, published: Published) -> Result<(), &'static str> {
        if let Some(reason) = self.ended.get() {
            return Err(reason);
        }
        if self.published.capacity() == self.published.max_capacity() {
            self.backlog.begins();
        }
        match self.published.try_send(published) {
            Ok(()) => Ok(()),
            Err(_) => self.give_up("messages come faster than they are handled"),
        }
    }

    fn give_up(&self, reason: &'static str) -> Result<(), &'static str> {
        let reason = self.ended.get_or_init(|| reason);
        self.end.notify_one();
        Err(reason)
    }

    /// Waits until the connection is of no more use, and why.
    async fn ended(&self) -> &'static str {
        loop {
            if let Some(reason) = self.ended.get() {
                return reason;
            }
            self.end.notified().await;
        }
    }
}

/// Since when something has been waiting for the reader without a break.
struct Backlog {
    epoch: Instant,
    /// Milliseconds after the epoch.
    since: AtomicU64,
}

impl Backlog {
    fn new() -> Self {
        Self {
            epoch: Instant::now(),
            since: AtomicU64::new(0),
        }
    }

    /// Something comes to wait where nothing did.
    fn begins(&self) {
        self.since.store(self.now(), Ordering::Relaxed);
    }

    fn age(&self) -> Duration {
        Duration::from_millis(
            self.now()
                .saturating_sub(self.since.load(Ordering::Relaxed)),
        )
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// `[channel, payload]`
fn message(data: Vec<Value>) -> Option<Published> {
    let mut parts = data.into_iter();
    let (Value::BulkString(channel), Value::BulkString(payload)) = (parts.next()?, parts.next()?)
    else {
        return None;
    };
    Some(Published::Message {
        channel: String::from_utf8(channel).ok()?,
        payload: payload.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(payload: &str) -> PushInfo {
        let data = ["channel", payload].map(|part| Value::BulkString(part.into()));
        PushInfo {
            kind: PushKind::Message,
            data: data.into(),
        }
    }

    fn subscribed() -> PushInfo {
        PushInfo {
            kind: PushKind::Subscribe,
            data: Vec::new(),
        }
    }

    fn published(payload: &str) -> Published {
        Published::Message {
            channel: "channel".to_owned(),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
        }
    }

    #[test]
    fn a_reader_learns_of_missing_messages_before_the_next_one() {
        let (sender, mut receiver) = mpsc::channel(8);
        let inbox = Inbox::new(sender, Arc::new(Backlog::new()), true);
        for push in [subscribed(), subscribed(), message("a")] {
            inbox.take(push).unwrap();
        }
        assert_eq!(receiver.try_recv(), Ok(Published::Resubscribed));
        assert_eq!(receiver.try_recv(), Ok(published("a")));
        assert!(receiver.try_recv().is_err());
    }

    #[tokio::test]
    async fn nothing_follows_a_message_that_found_no_place() {
        let (sender, mut receiver) = mpsc::channel(1);
        let inbox = Inbox::new(sender, Arc::new(Backlog::new()), false);
        inbox.take(message("a")).unwrap();
        inbox.take(message("b")).unwrap_err();
        assert_eq!(receiver.try_recv(), Ok(published("a")));
        inbox.take(message("c")).unwrap_err();
        assert!(receiver.try_recv().is_err());
        assert!(inbox.ended().await.contains("faster"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_backlog_ages_until_the_reader_comes_to_its_end() {
        let (sender, mut receiver) = mpsc::channel(8);
        let backlog = Arc::new(Backlog::new());
        let inbox = Inbox::new(sender, backlog.clone(), false);
        let second = Duration::from_secs(1);
        tokio::time::advance(second).await;
        inbox.take(message("a")).unwrap();
        assert_eq!(backlog.age(), Duration::ZERO);
        tokio::time::advance(second).await;
        inbox.take(message("b")).unwrap();
        assert_eq!(backlog.age(), second);
        receiver.try_recv().unwrap();
        inbox.take(message("c")).unwrap();
        assert_eq!(backlog.age(), second);
        receiver.try_recv().unwrap();
        receiver.try_recv().unwrap();
        inbox.take(message("d")).unwrap();
        assert_eq!(backlog.age(), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_closed_connection_has_ended() {
        let (sender, _receiver) = mpsc::channel(1);
        let inbox = Inbox::new(sender, Arc::new(Backlog::new()), false);
        let closed = PushInfo {
            kind: PushKind::Disconnection,
            data: Vec::new(),
        };
        inbox.take(closed).unwrap_err();
        assert!(inbox.ended().await.contains("closed"));
    }
}
