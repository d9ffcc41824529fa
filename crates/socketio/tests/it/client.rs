use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        protocol::frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

/// How long anything may take before a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A WebSocket client that knows a little Engine.IO.
pub(crate) struct Client {
    pub(crate) stream: WebSocketStream<TcpStream>,
    /// Pings it has answered.
    pub(crate) pings: usize,
}

impl Client {
    /// A connection on which the session was opened.
    pub(crate) async fn open(port: u16) -> Self {
        Self::open_with(port, TcpSocket::new_v4().unwrap()).await
    }

    /// The same over a prepared socket.
    pub(crate) async fn open_with(port: u16, socket: TcpSocket) -> Self {
        let tcp = socket.connect(([127, 0, 0, 1], port).into()).await.unwrap();
        let url = format!("ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket");
        let mut request = url.into_client_request().unwrap();
        let cookie = "why=because".parse().unwrap();
        request.headers_mut().insert("cookie", cookie);
        let (stream, _) = tokio_tungstenite::client_async(request, tcp).await.unwrap();
        let mut client = Self { stream, pings: 0 };
        let open = client.text().await;
        assert!(open.starts_with(r#"0{"sid":""#), "{open}");
        client
    }

    /// A client in the main namespace.
    pub(crate) async fn connected(port: u16) -> Self {
        let mut client = Self::open(port).await;
        client.join("/").await;
        client
    }

    /// Joins a namespace.
    pub(crate) async fn join(&mut self, namespace: &str) {
        self.send(&format!("40{namespace},")).await;
        let answer = self.text().await;
        let expected = match namespace {
            "/" => r#"40{"sid":""#.to_owned(),
            _ => format!(r#"40{namespace},{{"sid":""#),
        };
        assert!(answer.starts_with(&expected), "{answer}");
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.send_message(Message::text(text)).await;
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        self.stream.send(message).await.unwrap();
    }

    /// Sends one message in fragments.
    pub(crate) async fn send_fragments(&mut self, fragments: &[&str]) {
        for (index, fragment) in fragments.iter().enumerate() {
            let kind = if index == 0 {
                Data::Text
            } else {
                Data::Continue
            };
            let last = index + 1 == fragments.len();
            let payload = fragment.as_bytes().to_vec();
            let frame = Frame::message(payload, OpCode::Data(kind), last);
            self.send_message(Message::Frame(frame)).await;
        }
    }

    /// The next text message that is not a ping; pings are answered.
    pub(crate) async fn text(&mut self) -> String {
        match self.message().await {
            Message::Text(text) => text.to_string(),
            other => panic!("not a text: {other:?}"),
        }
    }

    /// The next message that is not a ping; pings are answered.
    pub(crate) async fn message(&mut self) -> Message {
        loop {
            let next = timeout(DEADLINE, self.stream.next()).await;
            let message = next.expect("no message").expect("the end").unwrap();
            if message != Message::text("2") {
                return message;
            }
            self.pings += 1;
            self.send("3").await;
        }
    }

    /// The code of the close frame, after any other messages, which must end the connection.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.message().await {
                let end = timeout(DEADLINE, self.stream.next()).await;
                assert!(end.expect("not closed").is_none_or(|end| end.is_err()));
                return frame.expect("no reason").code.into();
            }
        }
    }

    /// Waits until the server has ended the connection, in whatever way.
    pub(crate) async fn ended(&mut self) {
        let end = async { while let Some(Ok(_)) = self.stream.next().await {} };
        timeout(DEADLINE, end).await.expect("not ended");
    }
}
