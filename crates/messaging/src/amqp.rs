use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use lapin::{
    Channel, Connection, ConnectionProperties, Event,
    options::QueueDeclareOptions,
    types::{AMQPValue, FieldTable},
    uri::AMQPUri,
};
use settings::{AmqpSettings, QueueType};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{InvalidUrl, Unavailable, backoff::Attempts};

/// How often broker and client assure each other that they live, in seconds, where the URL does not say.
const HEARTBEAT_SECS: u16 = 10;

/// A handle on RabbitMQ. Cloning shares the connection, which a background task makes, and makes again when it
/// breaks, until [`Amqp::close`].
#[derive(Clone)]
pub struct Amqp {
    connection: watch::Receiver<Option<Arc<Connection>>>,
    closing: CancellationToken,
    closed: CancellationToken,
    deadline: Duration,
    queue_type: QueueType,
}

impl Amqp {
    /// Begins to connect and returns at once; the broker may come later.
    ///
    /// # Errors
    /// When a URL is not one.
    pub fn connect(settings: &AmqpSettings) -> Result<Self, InvalidUrl> {
        let uris = settings.url.expose().split(',').map(|url| {
            // What is wrong with it is not repeated, since it may hold the password.
            let mut uri: AMQPUri = url.trim().parse().map_err(|_| InvalidUrl::amqp())?;
            uri.query.heartbeat.get_or_insert(HEARTBEAT_SECS);
            Ok(uri)
        });
        let uris = uris.collect::<Result<Vec<_>, _>>()?;
        let (sender, connection) = watch::channel(None);
        let amqp = Self {
            connection,
            closing: CancellationToken::new(),
            closed: CancellationToken::new(),
            deadline: Duration::from_millis(settings.deadline_ms),
            queue_type: settings.queue_type,
        };
        tokio::spawn(amqp.clone().keep_connected(uris, sender));
        Ok(amqp)
    }

    /// Does the broker answer?
    ///
    /// # Errors
    /// When there is no connection, or no answer on it within the deadline.
    pub async fn ping(&self) -> Result<(), Unavailable> {
        let connection = self.connection.borrow().clone();
        let connection = connection.ok_or_else(|| Unavailable::rabbitmq("not connected"))?;
        let channel = self.within(connection.create_channel()).await?;
        self.within(channel.close(200, "OK".into())).await
    }

    /// Closes the connection politely. Whoever waits for it is told that it is not available.
    pub async fn close(&self) {
        self.closing.cancel();
        let _ = timeout(self.deadline, self.closed.cancelled()).await;
    }

    /// A new channel, as soon as there is a connection, or nothing after the deadline.
    pub(crate) async fn channel(&self) -> Result<Channel, Unavailable> {
        let mut connection = self.connection.clone();
        let connection = {
            let connected = timeout(self.deadline, connection.wait_for(Option::is_some)).await;
            let connected = connected.map_err(|_| Unavailable::rabbitmq("not connected"))?;
            let connected =
                connected.map_err(|_| Unavailable::rabbitmq("the connection was closed"))?;
            connected.clone()
        };
        let connection = connection.ok_or_else(|| Unavailable::rabbitmq("not connected"))?;
        self.within(connection.create_channel()).await
    }

    /// Declares a durable queue with these arguments, and of the type of the settings.
    pub(crate) async fn declare_queue(
        &self,
        channel: &Channel,
        queue: &str,
        mut arguments: FieldTable,
    ) -> Result<(), lapin::Error> {
        if self.queue_type == QueueType::Quorum {
            let quorum = AMQPValue::LongString("quorum".into());
            arguments.insert("x-queue-type".into(), quorum);
        }
        channel
            .queue_declare(queue.into(), QueueDeclareOptions::durable(), arguments)
            .await
            .map(drop)
    }

    /// Waits for the broker no longer than the deadline.
    pub(crate) async fn within<T>(
        &self,
        answer: impl Future<Output = Result<T, lapin::Error>>,
    ) -> Result<T, Unavailable> {
        match timeout(self.deadline, answer).await {
            Ok(result) => result.map_err(Unavailable::rabbitmq),
            Err(_) => Err(Unavailable::rabbitmq("no answer in time")),
        }
    }

    /// Is this the end, so that nobody should try again?
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.is_cancelled()
    }

    pub(crate) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    async fn keep_connected(
        self,
        nodes: Vec<AMQPUri>,
        connection: watch::Sender<Option<Arc<Connection>>>,
    ) {
        let _closed = self.closed.clone().drop_guard();
        let mut attempts = Attempts::new("RabbitMQ");
        // Processes begin with different nodes of a cluster, so that each node has its share of them.
        let mut next = usize::from(Uuid::new_v4().as_bytes()[0]);
        loop {
            let node = nodes[next % nodes.len()].clone();
            next += 1;
            let reason = match self.within(open(node)).await {
                Ok(opened) => {
                    attempts.succeeded();
                    let opened = Arc::new(opened);
                    connection.send_replace(Some(opened.clone()));
                    let reason = tokio::select! {
                        reason = broken(&opened) => reason,
                        () = self.closing.cancelled() => {
                            connection.send_replace(None);
                            let _ = self.within(opened.close(200, "OK".into())).await;
                            return;
                        }
                    };
                    connection.send_replace(None);
                    reason
                }
                Err(unavailable) => unavailable.reason,
            };
            tokio::select! {
                () = attempts.failed(reason) => {}
                () = self.closing.cancelled() => return,
            }
        }
    }
}

async fn open(uri: AMQPUri) -> Result<Connection, lapin::Error> {
    let properties = ConnectionProperties::default().with_connection_name("packtchat".into());
    Connection::connect_uri(uri, properties).await
}

/// Ends when the connection does, and says why.
async fn broken(connection: &Connection) -> String {
    let mut events = Box::pin(connection.events_listener());
    // Listening begins here, so what happened before has to be looked at.
    if !connection.status().connected() {
        return "the connection was closed".to_owned();
    }
    while let Some(event) = events.next().await {
        match event {
            Event::Error(error) => return error.to_string(),
            Event::ConnectionBlocked(reason) => {
                tracing::warn!(reason, "RabbitMQ takes no messages for now");
            }
            Event::ConnectionUnblocked => tracing::info!("RabbitMQ takes messages again"),
            _ => {}
        }
    }
    "the connection was closed".to_owned()
}
