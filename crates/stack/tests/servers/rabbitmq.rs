use stack::{RabbitMq, eventually};

use crate::{PATIENCE, processes_of};

#[tokio::test]
async fn makes_virtual_hosts_restarts_on_its_port_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut rabbitmq = RabbitMq::start(dir.path()).await.unwrap();
    rabbitmq.create_vhost("one").await.unwrap();
    let port = rabbitmq.port();
    assert!(
        rabbitmq
            .url("one")
            .ends_with(&format!("127.0.0.1:{port}/one"))
    );

    rabbitmq.kill().await;
    assert!(rabbitmq.create_vhost("two").await.is_err());
    rabbitmq.restart().await.unwrap();
    let one = rabbitmq
        .config()
        .eval("rabbit_vhost:exists(<<\"one\">>).")
        .await
        .unwrap();
    assert_eq!(one, "{ok, true}");

    rabbitmq.stop().await;
    drop(rabbitmq);
    eventually(PATIENCE, "every process of RabbitMQ is gone", async || {
        processes_of(dir.path()).is_empty()
    })
    .await;
}
