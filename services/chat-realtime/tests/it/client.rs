use std::collections::{HashMap, VecDeque};

use futures_util::{SinkExt, StreamExt};
use models::{ChatId, events::NAMESPACE};
use serde_json::{Value, json};
use stack::eventually;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::world::SOON;

/// A Socket.IO client in the namespace of the chat.
pub(crate) struct Client {
    stream: WebSocketStream<TcpStream>,
    last_ack: u64,
    /// What was told and not yet asked for, in order.
    events: VecDeque<(String, Value)>,
    /// Acknowledgements not yet asked for.
    answers: HashMap<u64, Value>,
}

impl Client {
    /// A client that was admitted.
    pub(crate) async fn connect(port: u16, cookie: &str) -> Self {
        let client = Self::try_to_connect(port, cookie).await;
        client.expect("the client is admitted")
    }

    /// The same, though Redis may not answer in time yet.
    pub(crate) async fn connect_at_last(port: u16, cookie: &str) -> Self {
        let mut admitted = None;
        eventually(SOON, "the client is admitted", async || {
            admitted = Self::try_to_connect(port, cookie).await;
            admitted.is_some()
        })
        .await;
        admitted.unwrap()
    }

    /// A client that was admitted; `None` where it is told to try again.
    async fn try_to_connect(port: u16, cookie: &str) -> Option<Self> {
        let mut client = Self::open(port, Some(cookie)).await;
        let answer = client.join().await;
        if answer == r#"4/packtchat,{"message":"Try again in a moment"}"# {
            return None;
        }
        assert!(answer.starts_with(r#"0/packtchat,{"sid":""#), "{answer}");
        Some(client)
    }

    /// What a client that is not admitted is told.
    pub(crate) async fn refusal(port: u16, cookie: Option<&str>) -> Value {
        let mut client = Self::open(port, cookie).await;
        let answer = client.join().await;
        let data = answer.strip_prefix("4/packtchat,");
        let data = data.unwrap_or_else(|| panic!("no refusal: {answer}"));
        serde_json::from_str(data).unwrap()
    }

    async fn open(port: u16, cookie: Option<&str>) -> Self {
        let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let url = format!("ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket");
        let mut request = url.into_client_request().unwrap();
        if let Some(cookie) = cookie {
            let cookie = format!("packtchat.sid={cookie}").parse().unwrap();
            request.headers_mut().insert("cookie", cookie);
        }
        let (stream, _) = tokio_tungstenite::client_async(request, tcp).await.unwrap();
        let mut client = Self {
            stream,
            last_ack: 0,
            events: VecDeque::new(),
            answers: HashMap::new(),
        };
        let open = client.text().await;
        assert!(open.starts_with(r#"0{"sid":""#), "{open}");
        client
    }

    /// Asks to be admitted to the namespace; the packet that answers.
    async fn join(&mut self) -> String {
        self.send(&format!("40{NAMESPACE},")).await;
        let text = self.text().await;
        text.strip_prefix('4').expect("a packet").to_owned()
    }

    /// Sends a text message as it is.
    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// Sends an event with these arguments; the number that [`Client::answer`] wants.
    pub(crate) async fn emit(&mut self, event: &str, args: &[Value]) -> u64 {
        self.last_ack += 1;
        let id = self.last_ack;
        let mut packet = vec![json!(event)];
        packet.extend_from_slice(args);
        let packet = Value::from(packet);
        self.send(&format!("42{NAMESPACE},{id}{packet}")).await;
        id
    }

    /// The acknowledgement of an event.
    pub(crate) async fn answer(&mut self, id: u64) -> Value {
        loop {
            if let Some(answer) = self.answers.remove(&id) {
                return answer;
            }
            self.receive().await;
        }
    }

    /// Sends an event and waits for what is acknowledged.
    pub(crate) async fn call(&mut self, event: &str, payload: Value) -> Value {
        let id = self.emit(event, &[payload]).await;
        self.answer(id).await
    }

    /// The same; it must be accepted.
    pub(crate) async fn ask(&mut self, event: &str, payload: Value) -> Value {
        let answer = self.call(event, payload).await;
        assert_eq!(answer["ok"], true, "{event}: {answer}");
        answer
    }

    /// The same; it must be refused: with this code.
    pub(crate) async fn refused(&mut self, event: &str, payload: Value) -> String {
        let answer = self.call(event, payload).await;
        refusal_code(&answer)
    }

    pub(crate) async fn enter(&mut self, room: &str) {
        self.ask("AddRoom", json!({ "name": room })).await;
    }

    /// Says something, and its `seq`.
    pub(crate) async fn say(&mut self, room: &str, message: &str) -> u64 {
        let answer = self
            .ask("AddChat", json!({ "room": room, "message": message }))
            .await;
        answer["seq"].as_u64().unwrap()
    }

    /// Enters a room though Redis may not answer in time yet.
    pub(crate) async fn enter_at_last(&mut self, room: &str) {
        let room = json!({ "name": room });
        self.ask_at_last("AddRoom", room).await;
    }

    /// Says something once, however often it is refused before, and its `seq`.
    pub(crate) async fn say_at_last(&mut self, room: &str, message: &str) -> u64 {
        let id = ChatId::generate();
        let chat = json!({ "room": room, "message": message, "id": id });
        let answer = self.ask_at_last("AddChat", chat).await;
        answer["seq"].as_u64().unwrap()
    }

    /// Sends an event until it is accepted; before, it may only be told to come back.
    async fn ask_at_last(&mut self, event: &str, payload: Value) -> Value {
        let mut answer = Value::Null;
        eventually(SOON, &format!("{event} is accepted"), async || {
            answer = self.call(event, payload.clone()).await;
            answer["ok"] == true || {
                assert_eq!(refusal_code(&answer), "unavailable");
                false
            }
        })
        .await;
        answer
    }

    /// What the next event of this name carries; others before it are kept.
    pub(crate) async fn next(&mut self, event: &str) -> Value {
        self.next_of(&[event]).await.1
    }

    /// The next event with one of these names; others before it are kept.
    pub(crate) async fn next_of(&mut self, events: &[&str]) -> (String, Value) {
        loop {
            let wanted = |(name, _): &(String, Value)| events.contains(&name.as_str());
            if let Some(index) = self.events.iter().position(wanted) {
                return self.events.remove(index).unwrap();
            }
            self.receive().await;
        }
    }

    /// The next messages: number and text.
    pub(crate) async fn next_chats(&mut self, count: usize) -> Vec<(u64, String)> {
        let mut chats = Vec::with_capacity(count);
        for _ in 0..count {
            let chat = self.next("AddChat").await;
            let text = chat["message"].as_str().unwrap().to_owned();
            chats.push((chat["seq"].as_u64().unwrap(), text));
        }
        chats
    }

    /// Ends the connection as a browser does when its tab is closed.
    pub(crate) async fn close(mut self) {
        self.stream.close(None).await.unwrap();
    }

    /// The code with which the server closes the connection.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            match self.message().await {
                Message::Close(frame) => return frame.expect("a reason").code.into(),
                Message::Text(_) => {}
                other => panic!("neither text nor close: {other:?}"),
            }
        }
    }

    /// The server puts the client out of the namespace, for good, and closes the connection.
    pub(crate) async fn ended(&mut self) {
        while self.text().await != "41/packtchat," {}
        assert_eq!(self.closed().await, 1000);
    }

    async fn receive(&mut self) {
        let text = self.text().await;
        if let Some(event) = text.strip_prefix("42/packtchat,") {
            let (name, data) = serde_json::from_str(event).unwrap();
            self.events.push_back((name, data));
        } else if let Some(ack) = text.strip_prefix("43/packtchat,") {
            let (id, data) = ack.split_at(ack.find('[').unwrap());
            let (answer,) = serde_json::from_str(data).unwrap();
            let twice = self.answers.insert(id.parse().unwrap(), answer);
            assert_eq!(twice, None, "acknowledged twice");
        } else {
            panic!("neither event nor acknowledgement: {text}");
        }
    }

    async fn text(&mut self) -> String {
        match self.message().await {
            Message::Text(text) => text.to_string(),
            other => panic!("not a text: {other:?}"),
        }
    }

    /// The next message that is not a ping; pings are answered.
    async fn message(&mut self) -> Message {
        loop {
            let next = timeout(SOON, self.stream.next()).await;
            let message = next.expect("no message").expect("the end").unwrap();
            if message != Message::text("2") {
                return message;
            }
            self.send("3").await;
        }
    }
}

/// The code of an answer that refuses, with a sentence.
pub(crate) fn refusal_code(answer: &Value) -> String {
    assert_eq!(answer["ok"], false, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(!message.is_empty(), "{answer}");
    answer["error"]["code"].as_str().unwrap().to_owned()
}
