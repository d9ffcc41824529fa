//! HAProxy with the stack's configuration in front of two nodes that tell what they are asked.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use settings::Secret;
use stack::eventually;
use stack::haproxy::{Backend, HaproxyConfig, Names, Stats, Tls, Word};
use stack::ports::free_port;
use stack::process::Process;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;

use crate::PATIENCE;

/// A node that answers every request with its name and the head of the request.
struct Node {
    backend: Backend,
    ready: Arc<AtomicBool>,
    has_room: Arc<AtomicBool>,
    /// Those of the web client.
    has_files: Arc<AtomicBool>,
    /// By browsers.
    requests: Arc<AtomicUsize>,
    tasks: [JoinHandle<()>; 2],
}

impl Node {
    async fn start(name: &str) -> Node {
        let [ready, has_room, has_files] = [(); 3].map(|()| Arc::new(AtomicBool::new(true)));
        let requests = Arc::new(AtomicUsize::new(0));
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to_browsers = {
            let (has_room, has_files) = (has_room.clone(), has_files.clone());
            let requests = requests.clone();
            move |head: &str| {
                requests.fetch_add(1, Ordering::Relaxed);
                match head.starts_with("GET /static/") {
                    true if !has_files.load(Ordering::Relaxed) => NOT_FOUND,
                    _ if has_room.load(Ordering::Relaxed) => OK,
                    _ => UNAVAILABLE,
                }
            }
        };
        let to_checks = {
            let ready = ready.clone();
            move |head: &str| match ready.load(Ordering::Relaxed) || head.starts_with("GET /livez")
            {
                true => OK,
                false => UNAVAILABLE,
            }
        };
        Node {
            backend: Backend {
                name: name.parse().unwrap(),
                address: public.local_addr().unwrap().to_string().parse().unwrap(),
                check_port: admin.local_addr().unwrap().port(),
            },
            tasks: [
                tokio::spawn(serve(public, name.into(), to_browsers)),
                tokio::spawn(serve(admin, name.into(), to_checks)),
            ],
            ready,
            has_room,
            has_files,
            requests,
        }
    }

    /// How often browsers have asked it for something.
    fn asked(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    fn kill(&self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

const OK: &str = "200 OK";
const NOT_FOUND: &str = "404 Not Found";
const UNAVAILABLE: &str = "503 Service Unavailable";

/// Answers each request, of which `status` is told the head.
async fn serve(listener: TcpListener, name: String, status: impl Fn(&str) -> &'static str) {
    while let Ok((stream, _)) = listener.accept().await {
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        // A health check may hang up before it has asked.
        while !head.ends_with("\r\n\r\n") && matches!(stream.read_line(&mut head).await, Ok(1..)) {}
        let status = status(&head);
        let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n{name}\n{head}");
        // A health check may hang up before it has read all.
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

struct Front {
    /// Where HAProxy listens without TLS.
    plain_port: u16,
    tls_port: Option<u16>,
    nodes: [Node; 2],
    dir: PathBuf,
    _haproxy: Process,
}

/// Starts HAProxy with two nodes that are its gateways and its chat-realtimes.
async fn front(dir: &Path) -> Front {
    front_with(dir, |_| ()).await
}

/// The same, with something else in its configuration.
async fn front_with(dir: &Path, change: impl FnOnce(&mut HaproxyConfig)) -> Front {
    let nodes = [Node::start("node-1").await, Node::start("node-2").await];
    let backends = || nodes.iter().map(|node| node.backend.clone()).collect();
    let plain_port = free_port().unwrap();
    let mut config = HaproxyConfig::on_loopback(dir, plain_port, backends(), backends()).unwrap();
    change(&mut config);
    let log = dir.join("haproxy.log");
    let spec = config.prepare(dir, plain_port, log).unwrap();
    Front {
        plain_port,
        tls_port: config.tls.map(|tls| port_of(&tls.listen)),
        _haproxy: Process::start(spec).await.unwrap(),
        nodes,
        dir: dir.to_owned(),
    }
}

/// A listener for browsers over TLS, with a certificate of its own.
fn tls(dir: &Path) -> Tls {
    let file = dir.join("localhost.pem");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj"])
        .arg("/CN=localhost")
        // Both into one file, one after the other.
        .args(["-keyout", "-", "-out", "-"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    std::fs::write(&file, made.stdout).unwrap();
    Tls {
        listen: free_place(),
        certificate: file.to_str().unwrap().parse().unwrap(),
        public_url: Some(Word::literal("https://chat.example.org")),
    }
}

fn free_place() -> Word {
    let port = free_port().unwrap();
    format!("127.0.0.1:{port}").parse().unwrap()
}

fn port_of(place: &Word) -> u16 {
    let place = place.to_string();
    place.rsplit(':').next().unwrap().parse().unwrap()
}

/// The whole answer to `GET path` with further header lines; nothing where the connection is refused.
async fn ask(port: u16, path: &str, headers: &str) -> String {
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await {
        // A connection may be closed before it has been asked anything.
        let _ = stream.write_all(request(path, headers).as_bytes()).await;
        let _ = stream.read_to_string(&mut answer).await;
    }
    answer
}

fn request(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
}

/// Says `said` over TLS, as these arguments of `openssl s_client` want it, and gives all that is told back.
async fn over_tls(port: u16, arguments: &[&str], said: &str) -> Vec<u8> {
    let mut client = tokio::process::Command::new("openssl")
        .args(["s_client", "-connect", &format!("127.0.0.1:{port}")])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut input = client.stdin.take().unwrap();
    // One whose connection failed reads nothing.
    let _ = input.write_all(said.as_bytes()).await;
    drop(input);
    let output = tokio::time::timeout(PATIENCE, client.wait_with_output());
    let output = output.await.unwrap().unwrap();
    [output.stdout, output.stderr].concat()
}

impl Front {
    /// The whole answer to `GET path` with further header lines.
    async fn get(&self, path: &str, headers: &str) -> String {
        match self.tls_port {
            Some(port) => {
                let arguments = ["-quiet", "-ign_eof"];
                let answer = over_tls(port, &arguments, &request(path, headers)).await;
                String::from_utf8_lossy(&answer).into_owned()
            }
            None => ask(self.plain_port, path, headers).await,
        }
    }

    /// Gives the runtime API an order that has no answer.
    async fn order(&self, order: &str) {
        assert_eq!(self.order_and_read(order).await.trim(), "", "{order}");
    }

    async fn order_and_read(&self, order: &str) -> String {
        let socket = UnixStream::connect(self.dir.join("haproxy.sock"));
        let mut socket = socket.await.unwrap();
        socket.write_all(order.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// What HAProxy counts for this address, such as `conn_cur`.
    async fn counted(&self, what: &str) -> usize {
        let table = self.order_and_read("show table addresses\n").await;
        let number = table.split([' ', '\n']).find_map(|word| {
            let (name, number) = word.split_once('=')?;
            (name == what).then(|| number.parse().unwrap())
        });
        number.unwrap_or_else(|| panic!("no {what} in {table}"))
    }

    /// Waits until HAProxy counts so many connections of this address.
    async fn has_connections(&self, number: usize) {
        let what = format!("{number} connections");
        eventually(PATIENCE, &what, async || {
            self.counted("conn_cur").await == number
        })
        .await;
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
fn the_configuration_is_valid_in_every_form() {
    let node = |name: &str| {
        let text = format!("{name}=127.0.0.1:20000/20001");
        text.parse::<Backend>().unwrap()
    };
    let forms: [fn(&Path, &mut HaproxyConfig); 4] = [
        |_, _| (),
        |dir, config| {
            config.tls = Some(tls(dir));
            config.connections_per_address = 10;
            config.threads = 2;
        },
        |dir, config| {
            config.tls = Some(Tls {
                public_url: None,
                ..tls(dir)
            });
            config.acme_responder = Some(Word::literal("127.0.0.1:20003"));
            config.requests_per_address = 10;
        },
        |_, config| {
            config.realtimes = vec!["realtime=realtime.internal:8081/9000".parse().unwrap()];
            config.names = Some(Names {
                server: Word::literal("127.0.0.11:53"),
                slots: 20,
                cookie_key: Word::literal("key"),
            });
            config.stats = Some(stats());
        },
    ];
    for form in forms {
        let dir = tempfile::tempdir().unwrap();
        let mut config = HaproxyConfig::on_loopback(
            dir.path(),
            20002,
            vec![node("gateway-1")],
            vec![node("chat-realtime-1"), node("chat-realtime-2")],
        )
        .unwrap();
        form(dir.path(), &mut config);
        let log = dir.path().join("haproxy.log");
        config.prepare(dir.path(), 20002, log).unwrap();
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
    for secure in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let front = front_with(dir.path(), |config| {
            config.tls = secure.then(|| tls(dir.path()));
        })
        .await;
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
async fn a_file_that_one_gateway_lacks_comes_from_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let front = front(dir.path()).await;
    let file = "/static/assets/chat-1a2b3c4d.js";
    front.nodes[0].has_files.store(false, Ordering::Relaxed);
    for _ in 0..6 {
        let answer = front.get(file, "").await;
        assert!(answer.contains("\r\n\r\nnode-2\n"), "{answer}");
    }
    front.nodes[1].has_files.store(false, Ordering::Relaxed);
    let answer = front.get(file, "").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");

    // Who is taken out of the gateways is taken out here.
    for node in &front.nodes {
        node.has_files.store(true, Ordering::Relaxed);
    }
    front.order("set server gateway/node-1 state drain\n").await;
    front.only_node_2_serves(file, "").await;
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
        TcpStream::connect(front.nodes[0].backend.address.to_string())
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

#[tokio::test]
async fn over_tls_it_speaks_what_is_safe_and_http_2() {
    let dir = tempfile::tempdir().unwrap();
    let front = front_with(dir.path(), |config| config.tls = Some(tls(dir.path()))).await;
    let port = front.tls_port.unwrap();
    let handshake = async |arguments: &str| {
        let arguments: Vec<_> = arguments.split(' ').collect();
        let said = over_tls(port, &arguments, "").await;
        String::from_utf8_lossy(&said).into_owned()
    };
    // The client would take everything, also what is long out of use.
    for refused in [
        "-tls1 -cipher ALL:@SECLEVEL=0",
        "-tls1_1 -cipher ALL:@SECLEVEL=0",
        "-tls1_2 -cipher AES128-GCM-SHA256:@SECLEVEL=0",
        "-tls1_2 -cipher ECDHE-RSA-AES128-SHA256:@SECLEVEL=0",
        "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0",
    ] {
        let said = handshake(refused).await;
        assert!(said.contains("Cipher is (NONE)"), "{refused}: {said}");
        assert!(said.contains("alert"), "{refused}: {said}");
    }
    for (taken, cipher) in [
        (
            "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256",
            "TLSv1.2, Cipher is ECDHE-RSA-AES128-GCM-SHA256",
        ),
        ("-tls1_3", "TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256"),
    ] {
        let said = handshake(taken).await;
        assert!(said.contains(cipher), "{taken}: {said}");
    }
    let said = handshake("-alpn h2,http/1.1").await;
    assert!(said.contains("ALPN protocol: h2"), "{said}");
    let seen = front.get("/", "").await.to_lowercase();
    assert!(seen.contains("x-forwarded-proto: https\r\n"), "{seen}");
}

#[tokio::test]
async fn over_http_2_there_are_no_sockets_and_few_requests_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let front = front_with(dir.path(), |config| config.tls = Some(tls(dir.path()))).await;
    // The client's preface, its settings, none, and its farewell; then HAProxy tells its own settings (RFC 9113,
    // sections 3.4, 6.5 and 6.8).
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let farewell = "\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let arguments = ["-quiet", "-alpn", "h2"];
    let said = format!("{preface}{farewell}");
    let told = over_tls(front.tls_port.unwrap(), &arguments, &said).await;
    let (length, settings) = (usize::from(told[2]), &told[9..]);
    assert_eq!(told[3], 4, "the first frame is one of settings: {told:?}");
    let settings: Vec<_> = settings[..length]
        .chunks(6)
        .map(|one| (one[1], u32::from_be_bytes(one[2..].try_into().unwrap())))
        .collect();
    assert!(
        settings.contains(&(3, 20)),
        "concurrent streams: {settings:?}"
    );
    let extended_connect = settings
        .iter()
        .any(|(name, value)| (*name, *value) == (8, 1));
    assert!(!extended_connect, "WebSockets (RFC 8441): {settings:?}");
}

#[tokio::test]
async fn who_comes_without_tls_is_sent_on_but_for_the_challenges_of_certificates() {
    for secure in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let responder = Node::start("responder").await;
        let front = front_with(dir.path(), |config| {
            config.tls = secure.then(|| tls(dir.path()));
            config.acme_responder = Some(responder.backend.address.clone());
        })
        .await;
        let sent = ask(front.plain_port, "/chat?room=1", "")
            .await
            .to_lowercase();
        assert_eq!(sent.starts_with("http/1.1 301"), secure, "{sent}");
        let place = "\r\nlocation: https://chat.example.org/chat?room=1\r\n";
        assert_eq!(sent.contains(place), secure, "{sent}");
        let challenge = ask(front.plain_port, "/.well-known/acme-challenge/token", "").await;
        assert!(challenge.contains("\r\n\r\nresponder\n"), "{challenge}");
    }
}

#[tokio::test]
async fn an_address_may_ask_so_much_and_is_told_when_it_is_too_much() {
    let dir = tempfile::tempdir().unwrap();
    let front = front_with(dir.path(), |config| config.requests_per_address = 20).await;
    // The look whether HAProxy is there was the first of the twenty.
    for _ in front.counted("http_req_rate(10000)").await..20 {
        assert!(front.get("/", "").await.starts_with("HTTP/1.1 200"));
    }
    let refused = front.get("/", "X-Forwarded-For: 6.6.6.6\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    assert!(refused.contains("Too many requests"), "{refused}");
    assert!(
        refused.to_lowercase().contains("\r\nretry-after: 10\r\n"),
        "{refused}"
    );
}

#[tokio::test]
async fn an_address_may_have_so_many_connections_with_tls_and_without() {
    for secure in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let front = front_with(dir.path(), |config| {
            config.connections_per_address = 3;
            config.tls = secure.then(|| tls(dir.path()));
        })
        .await;
        // The look whether HAProxy is there is a connection too, until HAProxy sees its end.
        front.has_connections(0).await;
        let mut held = Vec::new();
        for _ in 0..3 {
            let one = TcpStream::connect(("127.0.0.1", front.plain_port)).await;
            held.push(one.unwrap());
        }
        front.has_connections(3).await;
        let fourth = ask(front.plain_port, "/", "").await;
        assert!(fourth.is_empty(), "{fourth}");
        let fourth = front.get("/", "").await;
        assert!(!fourth.contains("HTTP/1.1"), "{fourth}");
        held.pop();
        eventually(PATIENCE, "another one is welcome", async || {
            front.get("/", "").await.contains("HTTP/1.1 200")
        })
        .await;
    }
}

#[tokio::test]
async fn a_form_that_comes_slowly_takes_no_connection_to_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let front = front(dir.path()).await;
    let asked = || front.nodes.iter().map(Node::asked).sum::<usize>();
    let before = asked();
    let mut slow = TcpStream::connect(("127.0.0.1", front.plain_port))
        .await
        .unwrap();
    let head = "POST /account/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345";
    slow.write_all(head.as_bytes()).await.unwrap();
    eventually(PATIENCE, "HAProxy has the head", async || {
        let held = front.order_and_read("show info\n").await;
        held.lines().any(|line| line == "CurrConns: 1")
    })
    .await;
    assert_eq!(asked(), before, "a node has the head");
    slow.write_all(b"67890").await.unwrap();
    eventually(PATIENCE, "a node is asked", async || asked() == before + 1).await;
}

fn stats() -> Stats {
    Stats {
        listen: free_place(),
        user: Word::literal("operator"),
        password: Secret::from("a # b"),
    }
}

#[tokio::test]
async fn operators_look_with_a_password_and_nobody_without() {
    let dir = tempfile::tempdir().unwrap();
    let mut port = 0;
    let front = front_with(dir.path(), |config| {
        let stats = stats();
        port = port_of(&stats.listen);
        config.stats = Some(stats);
    })
    .await;
    // operator:wrong
    for stranger in ["", "Authorization: Basic b3BlcmF0b3I6d3Jvbmc=\r\n"] {
        for path in ["/", "/metrics"] {
            let refused = ask(port, path, stranger).await;
            assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
        }
    }
    // operator:a # b
    let operator = "Authorization: Basic b3BlcmF0b3I6YSAjIGI=\r\n";
    let page = ask(port, "/", operator).await;
    assert!(
        page.contains("node-2") && page.contains("chat-realtime-alive"),
        "{page}"
    );
    let metrics = ask(port, "/metrics", operator).await;
    let up = "haproxy_server_status{proxy=\"gateway\",server=\"node-1\",state=\"UP\"} 1";
    assert!(metrics.contains(up), "{metrics}");
    let page = front.get("/metrics", operator).await;
    assert!(
        page.contains("\r\n\r\nnode-"),
        "browsers find them nowhere: {page}"
    );
}

#[tokio::test]
async fn a_node_drained_by_hand_gets_nobody_new_and_keeps_whom_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let front = front(dir.path()).await;
    for backend in [
        "gateway",
        "gateway-alive",
        "chat-realtime",
        "chat-realtime-alive",
    ] {
        let order = format!("set server {backend}/node-1 state drain\n");
        front.order(&order).await;
    }
    front.only_node_2_serves("/", "").await;
    front.only_node_2_serves("/socket.io/", "").await;
    let cookie = "Cookie: SERVERID=node-1\r\n";
    let own = front.get("/socket.io/", cookie).await;
    assert!(own.contains("\r\n\r\nnode-1\n"), "{own}");

    front.order("set server gateway/node-1 state ready\n").await;
    eventually(PATIENCE, "node 1 serves again", async || {
        front.get("/", "").await.contains("\r\n\r\nnode-1\n")
    })
    .await;
}
