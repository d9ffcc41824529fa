use std::time::Duration;

use models::{
    User, now_ms, redis_keys,
    session::{Session, SessionNews},
};
use serde_json::json;
use settings::SessionSettings;
use stack::{TcpProxy, eventually};
use tokio::{join, time::timeout};

use crate::{
    client::Client,
    http, redis,
    slow_link::SlowLink,
    world::{Person, SOON, World},
};

/// Longest wait for what has to happen at once.
const AT_ONCE: Duration = Duration::from_secs(2);

/// The client is put out for good, at once.
async fn is_put_out(client: &mut Client) {
    let put_out = timeout(AT_ONCE, client.ended()).await;
    put_out.expect("the client is put out at once");
}

/// The other one's sockets are open still.
async fn goes_on(client: &mut Client) {
    client.ask("GetMe", json!(null)).await;
}

#[tokio::test]
async fn a_session_that_is_ended_loses_its_sockets_on_every_node_and_no_other_does() {
    let (world, a, b) = World::with_two_nodes().await;
    let laptop = world.person("alice").await;
    let phone = world.again(&laptop).await;
    let bob = world.person("bob").await;
    let mut watcher = a.enter(&bob, "lobby").await;
    let mut ending = Vec::new();
    for node in [&a, &a, &b] {
        ending.push(node.enter(&laptop, "lobby").await);
    }
    let mut on_phone = b.enter(&phone, "garden").await;

    let handle = laptop.session.handle();
    let sessions = world.sessions();
    assert!(
        sessions
            .end_one(laptop.user.id, handle.as_str())
            .await
            .unwrap()
    );
    for client in &mut ending {
        is_put_out(client).await;
    }
    assert_eq!(watcher.next("RemoveUser").await, laptop.in_room("lobby"));
    goes_on(&mut watcher).await;
    goes_on(&mut on_phone).await;
    assert_eq!(
        Client::refusal(b.port, Some(&laptop.cookie)).await,
        json!({ "message": "Not Authenticated" })
    );
}

#[tokio::test]
async fn all_sessions_but_this_one_end() {
    let (world, a, b) = World::with_two_nodes().await;
    let this = world.person("alice").await;
    let mut kept = a.connect(&this).await;
    let mut ending = Vec::new();
    for node in [&a, &b] {
        let other = world.again(&this).await;
        ending.push(node.connect(&other).await);
    }
    let ended = world
        .sessions()
        .end_all(this.user.id, Some(&this.session))
        .await
        .unwrap();
    assert_eq!(ended, 2);
    for client in &mut ending {
        is_put_out(client).await;
    }
    goes_on(&mut kept).await;
}

#[tokio::test]
async fn a_client_that_polls_is_put_out_as_well() {
    let world = World::new().await;
    let node = world.node(world.settings()).await;
    let alice = world.person("alice").await;
    let polling = "/socket.io/?EIO=4&transport=polling";
    let cookie = format!("packtchat.sid={}", alice.cookie);
    let open = http::ask(
        node.port,
        &format!("GET {polling}"),
        &[("Cookie", &cookie)],
        "",
    )
    .await;
    let open: serde_json::Value = serde_json::from_str(&open.body[1..]).unwrap();
    let session = format!("{polling}&sid={}", open["sid"].as_str().unwrap());
    let poll = format!("GET {session}");
    http::ask(node.port, &format!("POST {session}"), &[], "40/packtchat,").await;
    let admitted = http::ask(node.port, &poll, &[], "").await;
    assert!(admitted.body.starts_with(r#"40/packtchat,{"sid":"#));

    let end = async {
        let sessions = world.sessions();
        sessions.end_all(alice.user.id, None).await.unwrap();
    };
    let (answer, ()) = join!(http::ask(node.port, &poll, &[], ""), end);
    assert_eq!(answer.body, "41/packtchat,");
    eventually(AT_ONCE, "the connection is gone", async || {
        let answer = http::ask(node.port, &poll, &[], "").await;
        answer.body.contains("Session ID unknown")
    })
    .await;
}

#[tokio::test]
async fn a_session_that_grows_too_old_ends_however_much_it_is_used() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.socket.session_check_ms = 100;
    let node = world.node(settings).await;
    let seconds_left = 6;
    let lifetime = SessionSettings::new("").absolute_secs;
    let young = world.person("alice").await;
    let old = Session {
        created: now_ms() - (lifetime - seconds_left) * 1_000,
        ..Session::signed_in(young.user.clone())
    };
    let old = world.signed_in(old).await;
    let mut youngs = node.connect(&young).await;
    let mut olds = node.connect(&old).await;
    goes_on(&mut olds).await;
    timeout(SOON, olds.ended()).await.expect("it ends");
    goes_on(&mut youngs).await;
}

#[tokio::test]
async fn a_session_with_a_socket_lives_on_and_is_marked_used() {
    let world = World::new().await;
    let mut settings = world.settings();
    settings.socket.session_check_ms = 100;
    let node = world.node(settings).await;
    let alice = world.person("alice").await;
    let mut client = node.connect(&alice).await;

    let key = redis_keys::session(&alice.session);
    world.redis(&format!("EXPIRE {key} 10")).await;
    let used = redis_keys::user_sessions(alice.user.id);
    let member = alice.session.as_str();
    world.redis(&format!("ZADD {used} 1 {member}")).await;
    eventually(SOON, "the session lives on", async || {
        let left = world.redis(&format!("TTL {key}")).await;
        let used = world.redis(&format!("ZSCORE {used} {member}")).await;
        left[0].parse::<u64>().unwrap() > 10 && used[0].parse::<f64>().unwrap() > 1.0
    })
    .await;
    goes_on(&mut client).await;
}

#[tokio::test]
async fn an_end_in_an_outage_is_found_out_right_after_it() {
    let world = World::new().await;
    let mut proxy = TcpProxy::start(&world.servers.redis_url()).await.unwrap();
    let mut settings = world.settings();
    settings.redis.url = proxy.url().into();
    let node = world.node(settings).await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut alices = node.connect(&alice).await;
    let mut bobs = node.connect(&bob).await;

    proxy.cut().await;
    let sessions = world.sessions();
    sessions.end_all(alice.user.id, None).await.unwrap();
    goes_on(&mut alices).await;
    proxy.resume().await.unwrap();
    // Long before the sessions would be asked for anyway.
    timeout(SOON, alices.ended())
        .await
        .expect("it is found out");
    goes_on(&mut bobs).await;
}

#[tokio::test]
async fn an_end_during_the_handshake_is_not_missed() {
    let world = World::new().await;
    let redis_port = world.servers.redis.port();
    let link = SlowLink::start(redis_port, Duration::from_millis(100)).await;
    let mut settings = world.settings();
    settings.redis.url = world
        .servers
        .redis_url()
        .replace(&redis_port.to_string(), &link.port.to_string())
        .as_str()
        .into();
    let node = world.node(settings).await;
    let alice = world.person("alice").await;
    let mut monitor = redis::Monitor::start(redis_port).await;

    let end = async {
        // The node is told that the session lives, and has more to ask before it admits the client.
        let asked = format!("\"GET\" \"{}\"", redis_keys::session(&alice.session));
        monitor.sees(&asked).await;
        let sessions = world.sessions();
        sessions.end_all(alice.user.id, None).await.unwrap();
    };
    let (refusal, ()) = join!(Client::refusal(node.port, Some(&alice.cookie)), end);
    assert_eq!(refusal, json!({ "message": "Not Authenticated" }));
}

#[tokio::test]
async fn somebody_who_is_renamed_comes_back_by_the_new_name() {
    let (world, a, b) = World::with_two_nodes().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut watcher = a.enter(&bob, "lobby").await;
    let mut here = a.enter(&alice, "lobby").await;
    let mut there = b.enter(&alice, "lobby").await;
    assert_eq!(watcher.next("AddUser").await, alice.in_room("lobby"));

    let renamed = Person {
        user: User {
            user: "Alice B".to_owned(),
            ..alice.user.clone()
        },
        session: alice.session.clone(),
        cookie: alice.cookie.clone(),
    };
    world.sessions().rename(&renamed.user).await.unwrap();
    for client in [&mut here, &mut there] {
        // Stock clients come back by themselves.
        let code = timeout(AT_ONCE, client.closed()).await.unwrap();
        assert_eq!(code, 1012);
    }
    assert_eq!(watcher.next("RemoveUser").await, alice.in_room("lobby"));

    let mut back = b.enter(&alice, "lobby").await;
    assert_eq!(back.ask("GetMe", json!(null)).await["me"], renamed.json());
    assert_eq!(watcher.next("AddUser").await, renamed.in_room("lobby"));
    let users = watcher.ask("GetUser", json!({ "room": "lobby" })).await;
    assert_eq!(users["users"], json!([renamed.json(), bob.json()]));
    goes_on(&mut watcher).await;
}

#[tokio::test]
async fn a_node_is_ready_when_it_hears_of_sessions() {
    let world = World::new().await;
    world
        .redis("ACL SETUSER default resetchannels &rooms:*")
        .await;
    let node = world.start(world.settings()).await;
    eventually(SOON, "it hears everything else", async || {
        let checks = node.report().await.checks;
        ["redis", "amqp", "lobby"]
            .iter()
            .all(|name| checks[*name] == "ok")
    })
    .await;
    assert!(!node.report().await.ready);

    world.redis("ACL SETUSER default allchannels").await;
    eventually(SOON, "it is ready", async || node.report().await.ready).await;
}

#[tokio::test]
async fn news_that_cannot_be_read_are_made_up_for() {
    let world = World::new().await;
    let node = world.node(world.settings()).await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut alices = node.connect(&alice).await;
    let mut bobs = node.connect(&bob).await;

    // Of a version to come, say.
    let key = redis_keys::session(&alice.session);
    world.redis(&format!("DEL {key}")).await;
    let channel = redis_keys::SESSIONS_CHANNEL;
    world.redis(&format!("PUBLISH {channel} 7")).await;
    is_put_out(&mut alices).await;

    let ended = ended(&bob);
    world.redis(&format!("PUBLISH {channel} \"{ended}\"")).await;
    is_put_out(&mut bobs).await;
}

/// The news that somebody's session is over, for within the quotes of an inline command.
fn ended(person: &Person) -> String {
    let ended = SessionNews::Ended(vec![person.session.handle()]);
    serde_json::to_string(&ended).unwrap().replace('"', "\\\"")
}

#[tokio::test]
async fn no_end_is_lost_in_a_flood_of_them() {
    let world = World::new().await;
    let node = world.node(world.settings()).await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let mut alices = node.connect(&alice).await;
    let mut bobs = node.connect(&bob).await;

    // More than waits for the node, or for any of its threads.
    let key = redis_keys::session(&alice.session);
    let channel = redis_keys::SESSIONS_CHANNEL;
    let (here, elsewhere) = (ended(&alice), ended(&world.person("carol").await));
    let script = format!(
        "for n = 1, 20000 do \
         redis.call('PUBLISH', '{channel}', '{elsewhere}') \
         if n == 10000 then redis.call('DEL', '{key}') redis.call('PUBLISH', '{channel}', '{here}') end \
         end"
    );
    world.redis(&format!("EVAL \"{script}\" 0")).await;
    timeout(SOON, alices.ended()).await.expect("it is not lost");
    goes_on(&mut bobs).await;
}
