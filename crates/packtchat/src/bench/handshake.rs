//! From nothing to a member of a room: TCP, HTTP upgrade, Engine.IO open, Socket.IO CONNECT, AddRoom.

use anyhow::{Context, bail, ensure};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::clock::now_ns;
use super::frame;
use super::target::Target;

/// The acknowledgement number of AddRoom; posts have higher ones.
const JOIN: u64 = 0;

/// What a stalled connection's kernel takes in before the server's writes stop, in bytes. As small
/// as it goes, so that the server's own queue is what is tested.
const STALLED_RECEIVE_BUFFER: u32 = 4096;

/// An admitted connection.
pub(crate) struct Admitted {
    pub(crate) stream: TcpStream,
    /// What has been read and not looked at.
    pub(crate) rest: Vec<u8>,
}

/// Opens connection `number`, and enters `room`.
///
/// # Errors
/// When the server refuses at any step.
pub(crate) async fn open(
    target: &Target,
    number: usize,
    room: Option<&str>,
    stalled: bool,
) -> anyhow::Result<Admitted> {
    let address = target.node(number);
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if stalled {
        socket.set_recv_buffer_size(STALLED_RECEIVE_BUFFER)?;
    }
    let stream = socket
        .connect(address)
        .await
        .with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    let mut client = Client {
        stream,
        bytes: Vec::new(),
        taken: 0,
    };
    client.upgrade(target, number).await?;
    client.connect(target, number).await?;
    if let Some(room) = room {
        client.enter(target, room).await?;
    }
    client.bytes.drain(..client.taken);
    Ok(Admitted {
        stream: client.stream,
        rest: client.bytes,
    })
}

struct Client {
    stream: TcpStream,
    bytes: Vec<u8>,
    /// How many of the bytes have been handled.
    taken: usize,
}

impl Client {
    async fn upgrade(&mut self, target: &Target, number: usize) -> anyhow::Result<()> {
        let (path, host) = (&target.path, target.node(number));
        let cookie = target
            .cookie(number)
            .map_or_else(String::new, |cookie| format!("Cookie: {cookie}\r\n"));
        let request = format!(
            "GET {path}?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n{cookie}\r\n",
            frame::KEY
        );
        self.stream.write_all(request.as_bytes()).await?;
        let end = loop {
            if let Some(end) = memmem::find(&self.bytes, b"\r\n\r\n") {
                break end;
            }
            self.read().await.context("during the upgrade")?;
        };
        let head = String::from_utf8_lossy(&self.bytes[..end]);
        let status = head.lines().next().unwrap_or_default();
        ensure!(
            status.starts_with("HTTP/1.1 101"),
            "the upgrade was refused: {status}"
        );
        ensure!(
            head.contains(frame::ACCEPT),
            "the upgrade was answered with a wrong Sec-WebSocket-Accept"
        );
        self.taken = end + 4;
        Ok(())
    }

    async fn connect(&mut self, target: &Target, number: usize) -> anyhow::Result<()> {
        let open = self.text().await.context("instead of the open packet")?;
        ensure!(
            open.starts_with('0'),
            "the first packet is not the open packet: {open}"
        );
        self.send(&target.connect_packet(number)).await?;
        let admitted = format!("40{}", target.namespace);
        loop {
            let answer = self
                .text()
                .await
                .context("instead of an answer to CONNECT")?;
            if answer.starts_with(&admitted) {
                return Ok(());
            }
            // An event to all may come first.
            ensure!(
                !answer.starts_with("44"),
                "CONNECT was refused: {}",
                &answer[2..]
            );
        }
    }

    async fn enter(&mut self, target: &Target, room: &str) -> anyhow::Result<()> {
        let namespace = &target.namespace;
        let name = serde_json::to_string(room)?;
        self.send(&format!(
            "42{namespace},{JOIN}[\"AddRoom\",{{\"name\":{name}}}]"
        ))
        .await?;
        let acknowledged = format!("43{namespace},{JOIN}[");
        loop {
            let packet = self
                .text()
                .await
                .context("instead of an answer to AddRoom")?;
            if let Some(answer) = packet.strip_prefix(&acknowledged) {
                ensure!(
                    answer.contains("\"ok\":true"),
                    "AddRoom was refused: {answer}"
                );
                return Ok(());
            }
        }
    }

    /// The next packet that is no heartbeat; those are answered.
    async fn text(&mut self) -> anyhow::Result<String> {
        loop {
            let decoded = frame::decode(&self.bytes[self.taken..]).map_err(anyhow::Error::msg)?;
            let Some(frame) = decoded else {
                self.read().await?;
                continue;
            };
            self.taken += frame.len;
            let (opcode, payload) = (frame.opcode, frame.payload.to_vec());
            match opcode {
                frame::TEXT if payload == b"2" => self.send("3").await?,
                frame::TEXT => return Ok(String::from_utf8_lossy(&payload).into_owned()),
                frame::PING => self.write(frame::PONG, &payload).await?,
                frame::PONG => {}
                frame::CLOSE => {
                    bail!(
                        "the server closed the connection: {}",
                        frame::close_reason(&payload)
                    )
                }
                _ => bail!("a frame with opcode {opcode}"),
            }
        }
    }

    async fn send(&mut self, text: &str) -> anyhow::Result<()> {
        self.write(frame::TEXT, text.as_bytes()).await
    }

    async fn write(&mut self, opcode: u8, payload: &[u8]) -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        frame::encode(&mut bytes, opcode, payload, now_ns() as u32);
        Ok(self.stream.write_all(&bytes).await?)
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        let count = self.stream.read_buf(&mut self.bytes).await?;
        ensure!(count > 0, "the server closed the connection");
        Ok(())
    }
}
