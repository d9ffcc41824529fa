use stack::TestServers;

use crate::ask_redis;

#[tokio::test]
async fn two_tests_share_nothing() {
    let (one, two) = tokio::try_join!(TestServers::start(), TestServers::start()).unwrap();
    assert_ne!(one.amqp_url(), two.amqp_url());
    assert_ne!(one.dir(), two.dir());
    ask_redis(one.redis.port(), "SET key value").await.unwrap();
    assert_eq!(
        ask_redis(two.redis.port(), "EXISTS key").await.unwrap(),
        ":0"
    );
}
