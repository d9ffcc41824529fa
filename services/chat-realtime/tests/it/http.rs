//! Requests as browsers send them.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::world::SOON;

pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Their lines, with names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Sends a request to a node. `headers` are added to those without which no request is one.
pub(crate) async fn ask(port: u16, request: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut text = format!("{request} HTTP/1.1\r\nContent-Length: {}\r\n", body.len());
    let own = [("Host", "chat.example.org"), ("Connection", "close")];
    let missing = own
        .iter()
        .filter(|(name, _)| headers.iter().all(|(given, _)| given != name));
    for (name, value) in missing.chain(headers) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body);
    let exchange = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        read(&mut stream).await
    };
    timeout(SOON, exchange).await.expect("an answer")
}

/// Reads an answer up to its end; a WebSocket that was agreed to has none.
async fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        let read = stream.read_buf(&mut bytes).await.unwrap();
        assert!(read > 0, "the answer is cut off: {bytes:?}");
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            break (head.to_owned(), head.len() + 4);
        }
    };
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut answer = Answer {
        status: status.parse().unwrap(),
        headers,
        body: String::new(),
    };
    if answer.status != 101 {
        stream.read_to_end(&mut bytes).await.unwrap();
        answer.body = String::from_utf8(bytes.split_off(length)).unwrap();
    }
    answer
}
