use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions},
    types::{AMQPValue, FieldTable},
};
use models::amqp_names::{
    LOG_BINDING_ALL, LOG_BINDING_ERRORS, LOG_DEAD_EXCHANGE, LOG_DEAD_QUEUE, LOG_EXCHANGE,
    LOG_QUEUE_ALL, LOG_QUEUE_ERRORS,
};

use crate::Amqp;

/// Declares the log exchange, its queues and where unreadable records go. Publisher and consumer both do, so neither
/// has to start first.
pub(crate) async fn declare(amqp: &Amqp, channel: &Channel) -> Result<(), lapin::Error> {
    exchange(channel, LOG_EXCHANGE, ExchangeKind::Topic).await?;
    exchange(channel, LOG_DEAD_EXCHANGE, ExchangeKind::Fanout).await?;
    amqp.declare_queue(channel, LOG_DEAD_QUEUE, FieldTable::default())
        .await?;
    bind(channel, LOG_DEAD_QUEUE, LOG_DEAD_EXCHANGE, "").await?;
    for (name, binding) in [
        (LOG_QUEUE_ALL, LOG_BINDING_ALL),
        (LOG_QUEUE_ERRORS, LOG_BINDING_ERRORS),
    ] {
        let mut arguments = FieldTable::default();
        arguments.insert(
            "x-dead-letter-exchange".into(),
            AMQPValue::LongString(LOG_DEAD_EXCHANGE.into()),
        );
        amqp.declare_queue(channel, name, arguments).await?;
        bind(channel, name, LOG_EXCHANGE, binding).await?;
    }
    Ok(())
}

async fn exchange(channel: &Channel, name: &str, kind: ExchangeKind) -> Result<(), lapin::Error> {
    let options = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    channel
        .exchange_declare(name.into(), kind, options, FieldTable::default())
        .await
}

async fn bind(
    channel: &Channel,
    queue: &str,
    exchange: &str,
    key: &str,
) -> Result<(), lapin::Error> {
    channel
        .queue_bind(
            queue.into(),
            exchange.into(),
            key.into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await
}
