use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Consumer,
    message::Delivery,
    options::{
        BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicPublishOptions,
        BasicQosOptions, BasicRejectOptions,
    },
    types::{AMQPValue, FieldTable},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{Amqp, Unavailable, backoff::Attempts};

/// Requests the broker keeps at most; more than anybody has the patience to wait for.
const QUEUE_LENGTH: i32 = 10_000;

/// Answers the requests of a queue until `stop`, at most `prefetch` at once, and ends when those in flight are
/// answered. Connects again for ever.
///
/// A request is acknowledged after its answer is on its way; when the process dies before, the broker gives it to
/// somebody else, so `handler` must be safe to run twice. An unreadable request, or one the handler panics at, is
/// rejected and not tried again.
pub async fn serve_rpc<Q, R, F>(
    amqp: &Amqp,
    queue: &'static str,
    prefetch: u16,
    stop: CancellationToken,
    handler: impl Fn(Q) -> F + Clone + Send + 'static,
) where
    Q: DeserializeOwned + Send + 'static,
    R: Serialize + Send + Sync + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let mut attempts = Attempts::new(queue);
    while !stop.is_cancelled() {
        match serve_while_connected(amqp, queue, prefetch, &stop, &handler, &mut attempts).await {
            Ok(()) => return,
            Err(unavailable) => tokio::select! {
                () = attempts.failed(unavailable.reason) => {}
                () = stop.cancelled() => return,
            },
        }
    }
}

async fn serve_while_connected<Q, R, F>(
    amqp: &Amqp,
    queue: &'static str,
    prefetch: u16,
    stop: &CancellationToken,
    handler: &(impl Fn(Q) -> F + Clone + Send + 'static),
    attempts: &mut Attempts,
) -> Result<(), Unavailable>
where
    Q: DeserializeOwned + Send + 'static,
    R: Serialize + Send + Sync + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let channel = amqp.channel().await?;
    let mut consumer = amqp.within(start(amqp, &channel, queue, prefetch)).await?;
    attempts.succeeded();
    let mut in_flight = JoinSet::new();
    let ended = loop {
        tokio::select! {
            delivery = consumer.next() => match delivery {
                Some(Ok(delivery)) => {
                    in_flight.spawn(answer(amqp.clone(), channel.clone(), delivery, handler.clone()));
                }
                Some(Err(error)) => break Err(Unavailable::rabbitmq(error)),
                None => break Err(Unavailable::rabbitmq("the consumer was cancelled")),
            },
            Some(_) = in_flight.join_next() => {}
            () = stop.cancelled() => break Ok(()),
        }
    };
    if ended.is_ok() {
        let tag = consumer.tag();
        amqp.within(channel.basic_cancel(tag, BasicCancelOptions::default()))
            .await?;
    }
    while in_flight.join_next().await.is_some() {}
    if ended.is_ok() {
        // What was prefetched and not begun goes back to the queue, for another process.
        amqp.within(channel.close(200, "OK".into())).await?;
    }
    ended
}

async fn start(
    amqp: &Amqp,
    channel: &Channel,
    queue: &'static str,
    prefetch: u16,
) -> Result<Consumer, lapin::Error> {
    declare_queue(amqp, channel, queue).await?;
    channel
        .basic_qos(prefetch, BasicQosOptions::default())
        .await?;
    channel
        .basic_consume(
            queue.into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await
}

/// Both sides declare the queue, so neither has to start first.
pub(crate) async fn declare_queue(
    amqp: &Amqp,
    channel: &Channel,
    queue: &'static str,
) -> Result<(), lapin::Error> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(QUEUE_LENGTH));
    amqp.declare_queue(channel, queue, arguments).await
}

async fn answer<Q, R, F>(amqp: Amqp, channel: Channel, delivery: Delivery, handler: impl Fn(Q) -> F)
where
    Q: DeserializeOwned,
    R: Serialize + Send + Sync + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let settled = match serde_json::from_slice(&delivery.data) {
        // A task of its own, so that a panic is an answer to look at and not the end of everything.
        Ok(question) => match tokio::spawn(handler(question)).await {
            Ok(answer) => reply(&amqp, &channel, &delivery, &answer).await,
            Err(error) => {
                tracing::error!(%error, "a request made its handler panic");
                reject(&amqp, &delivery).await
            }
        },
        Err(error) => {
            // The error names what is wrong and where, never the request's text, which may hold a password.
            let (line, column) = (error.line(), error.column());
            tracing::warn!(category = ?error.classify(), line, column, "a request cannot be read");
            reject(&amqp, &delivery).await
        }
    };
    if let Err(unavailable) = settled {
        tracing::debug!(
            reason = unavailable.reason,
            "a request was not settled; the broker gives it out again"
        );
    }
}

async fn reply<R: Serialize>(
    amqp: &Amqp,
    channel: &Channel,
    delivery: &Delivery,
    answer: &R,
) -> Result<(), Unavailable> {
    if let Some(reply_to) = delivery.properties.reply_to() {
        let payload = serde_json::to_vec(answer).map_err(Unavailable::rabbitmq)?;
        let mut properties =
            BasicProperties::default().with_content_type("application/json".into());
        if let Some(id) = delivery.properties.correlation_id() {
            properties = properties.with_correlation_id(id.clone());
        }
        let publish = channel.basic_publish(
            "".into(),
            reply_to.clone(),
            BasicPublishOptions::default(),
            &payload,
            properties,
        );
        amqp.within(publish).await?;
    }
    amqp.within(delivery.acker.ack(BasicAckOptions::default()))
        .await
        .map(drop)
}

async fn reject(amqp: &Amqp, delivery: &Delivery) -> Result<(), Unavailable> {
    let options = BasicRejectOptions { requeue: false };
    amqp.within(delivery.acker.reject(options)).await.map(drop)
}
