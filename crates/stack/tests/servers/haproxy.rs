//! HAProxy with the stack's configuration in front of two nodes that tell what they are asked.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stack::eventually;
use stack::haproxy::{Backend, HaproxyConfig};
use stack::ports::free_port;
use stack::process::Process;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::PATIENCE;

/// A node that answers every request with its name and the head of the request.
struct Node {
    backend: Backend,
    ready: Arc<AtomicBool>,
    has_room: Arc<AtomicBool>,
    tasks: [JoinHandle<()>; 2],
}

impl Node {
    async fn start(name: &str) -> Node {
        let [ready, has_room] = [(); 2].map(|()| Arc::new(AtomicBool::new(true)));
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Node {
            backend: Backend {
                name: name.into(),
                address: public.local_addr().unwrap().to_string(),
                check_port: admin.local_addr().unwrap().port(),
            },
            tasks: [
                tokio::spawn(serve(public, name.into(), has_room.clone())),
                tokio::spawn(serve(admin, name.into(), ready.clone())),
            ],
            ready,
            has_room,
        }
    }

    fn kill(&self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn serve(listener: TcpListener, name: String, well: Arc<AtomicBool>) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).await.unwrap() > 0 {}
        let status = if well.load(Ordering::Relaxed) || head.starts_with("GET /livez") {
            "200 OK"
        } else {
            "503 Service Unavailable"
        };
        let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n{name}\n{head}");
        // A health check may hang up before it has read all.
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

struct Front {
    port: u16,
    nodes: [Node; 2],
    _haproxy: Process,
}

/// Starts HAProxy with two nodes that are its gateways and its chat-realtimes.
async fn front(dir: &Path) -> Front {
    front_of(dir, "http").await
}

async fn front_of(dir: &Path, scheme: &str) -> Front {
    let nodes = [Node::start("node-1").await, Node::start("node-2").await];
    let backends = || nodes.iter().map(|node| node.backend.clone()).collect();
    let port = free_port().unwrap();
    let mut config = HaproxyConfig::on_loopback(dir, port, backends(), backends());
    config.scheme = scheme.into();
    let spec = config.prepare(dir, port, dir.join("haproxy.log")).unwrap();
    Front {
        port,
        _haproxy: Process::start(spec).await.unwrap(),
        nodes,
    }
}

impl Front {
    /// The whole answer to `GET path` with further header lines.
    async fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Waits until ten requests in a row were served by node 2.
    async fn only_node_2_serves(&self, path: &str, headers: &str) {
        eventually(PATIENCE, "node 2 alone serves", async || {
            for _ in 0..10 {
                if !self.get(path, headers).await.contains("\r\n\r\nnode-2\n") {
                    return false;
                }
            }
            true
        })
        .await;
    }
}

#[test]
fn the_configuration_is_valid() {
    let dir = tempfile::tempdir().unwrap();
    let node = |name: &str| Backend {
        name: name.into(),
        address: "127.0.0.1:20000".into(),
        check_port: 20001,
    };
    HaproxyConfig::on_loopback(
        dir.path(),
        20002,
        vec![node("gateway-1")],
        vec![node("chat-realtime-1"), node("chat-realtime-2")],
    )
    .prepare(dir.path(), 20002, dir.path().join("haproxy.log"))
    .unwrap();
    let check = Command::new("haproxy")
        .env("PATH", stack::programs::search_path())
        .args(["-c", "-f"])
        .arg(dir.path().join("haproxy.cfg"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&check.stderr);
    assert!(check.status.success(), "{said}");
    assert!(!said.contains("WARNING"), "{said}");
}

#[tokio::test]
async fn it_alone_says_where_a_request_comes_from() {
    let dir = tempfile::tempdir().unwrap();
    let front = front(dir.path()).await;
    let forged = "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nForwarded: for=6.6.6.6\r\n\
                  X-Request-Id: forged\r\n";
    let seen = front.get("/", forged).await.to_lowercase();
    assert!(seen.contains("x-forwarded-for: 127.0.0.1\r\n"), "{seen}");
    assert!(seen.contains("x-forwarded-proto: http\r\n"), "{seen}");
    assert!(seen.contains("x-request-id: "), "{seen}");
    assert!(
        !seen.contains("6.6.6.6") && !seen.contains("forged"),
        "{seen}"
    );
}

#[tokio::test]
async fn sockets_stick_to_their_node_and_pages_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let front = front(dir.path()).await;
    for name in ["node-1", "node-2"] {
        let cookie = format!("Cookie: SERVERID={name}\r\n");
        for _ in 0..5 {
            let answer = front.get("/socket.io/?EIO=4", &cookie).await;
            assert!(answer.contains(&format!("\r\n\r\n{name}\n")), "{answer}");
        }
    }
    let answer = front.get("/socket.io/?EIO=4", "").await.to_lowercase();
    assert!(answer.contains("set-cookie: serverid=node-"), "{answer}");
    assert!(answer.contains("httponly"), "{answer}");
    let page = front.get("/socket.iota", "").await.to_lowercase();
    assert!(!page.contains("set-cookie"), "{page}");
}

/// Each of these once, in an answer in small letters.
fn is_careful(answer: &str, secure: bool) {
    for header in [
        "content-security-policy: default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
        "referrer-policy: same-origin",
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
        "cache-control: no-store",
    ] {
        let line = format!("\r\n{header}\r\n");
        assert_eq!(answer.matches(&line).count(), 1, "{header}: {answer}");
    }
    let strict = "strict-transport-security: max-age=63072000; includesubdomains";
    assert_eq!(answer.contains(strict), secure, "{answer}");
}

#[tokio::test]
async fn browsers_are_told_what_to_be_careful_about_whoever_answers() {
    for (scheme, secure) in [("http", false), ("https", true)] {
        let dir = tempfile::tempdir().unwrap();
        let front = front_of(dir.path(), scheme).await;
        let answer = front.get("/socket.io/?EIO=4", "").await.to_lowercase();
        is_careful(&answer, secure);
        let cookie = answer.lines().find(|line| line.starts_with("set-cookie:"));
        assert_eq!(cookie.unwrap().contains("; secure"), secure, "{answer}");
        for node in &front.nodes {
            node.kill();
        }
        eventually(PATIENCE, "nobody serves", async || {
            front.get("/", "").await.starts_with("HTTP/1.1 503")
        })
        .await;
        is_careful(&front.get("/", "").await.to_lowercase(), secure);
    }
}

#[tokio::test]
async fn a_node_that_is_not_ready_gets_nobody_new_and_keeps_whom_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let front = front(dir.path()).await;
    front.nodes[0].ready.store(false, Ordering::Relaxed);
    front.only_node_2_serves("/", "").await;
    front.only_node_2_serves("/socket.io/", "").await;
    let own = front
        .get("/socket.io/", "Cookie: SERVERID=node-1\r\n")
        .await;
    assert!(own.contains("\r\n\r\nnode-1\n"), "{own}");

    front.nodes[0].ready.store(true, Ordering::Relaxed);
    eventually(PATIENCE, "node 1 serves again", async || {
        front.get("/", "").await.contains("\r\n\r\nnode-1\n")
    })
    .await;
}

#[tokio::test]
async fn a_full_node_sends_newcomers_to_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let front = front(dir.path()).await;
    front.nodes[0].has_room.store(false, Ordering::Relaxed);
    for cookie in ["", "Cookie: SERVERID=node-1\r\n"] {
        for _ in 0..4 {
            let answer = front.get("/socket.io/?EIO=4", cookie).await;
            assert!(answer.contains("\r\n\r\nnode-2\n"), "{answer}");
        }
    }
    front.nodes[1].has_room.store(false, Ordering::Relaxed);
    let answer = front.get("/socket.io/?EIO=4", "").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}

#[tokio::test]
async fn a_dead_node_loses_its_clients_to_the_other_and_two_dead_ones_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let front = front(dir.path()).await;
    front.nodes[0].kill();
    // At once, not only after the health check: a refused connection is tried elsewhere.
    let cookie = "Cookie: SERVERID=node-1\r\n";
    eventually(PATIENCE, "the port of node 1 refuses", async || {
        TcpStream::connect(&front.nodes[0].backend.address)
            .await
            .is_err()
    })
    .await;
    let moved = front.get("/socket.io/", cookie).await;
    assert!(moved.contains("\r\n\r\nnode-2\n"), "{moved}");

    front.nodes[1].kill();
    eventually(PATIENCE, "nobody serves", async || {
        let answer = front.get("/", "").await;
        answer.starts_with("HTTP/1.1 503") && answer.contains("Back in a moment")
    })
    .await;
}
