use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// What Redis answers to an inline command: each string or number of it, in order.
pub(crate) async fn ask(port: u16, command: &str) -> Vec<String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut connection = BufReader::new(stream);
    let command = format!("{command}\r\n");
    connection.write_all(command.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut parts = 1;
    while parts > 0 {
        parts -= 1;
        let mut line = String::new();
        connection.read_line(&mut line).await.unwrap();
        let (kind, text) = line.trim_end().split_at(1);
        match kind {
            "+" | ":" => answer.push(text.to_owned()),
            "$" if text == "-1" => {}
            "$" => {
                let mut bytes = vec![0; text.parse::<usize>().unwrap() + 2];
                connection.read_exact(&mut bytes).await.unwrap();
                bytes.truncate(bytes.len() - 2);
                answer.push(String::from_utf8(bytes).unwrap());
            }
            "*" => parts += text.parse::<usize>().unwrap(),
            _ => panic!("Redis answers {line:?} to {command:?}"),
        }
    }
    answer
}

/// Sees every command Redis gets.
pub(crate) struct Monitor(BufReader<TcpStream>);

impl Monitor {
    pub(crate) async fn start(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut monitor = Self(BufReader::new(stream));
        monitor.0.write_all(b"MONITOR\r\n").await.unwrap();
        monitor.sees("+OK").await;
        monitor
    }

    /// Waits for a command with this in it.
    pub(crate) async fn sees(&mut self, command: &str) {
        let mut line = String::new();
        while !line.contains(command) {
            line.clear();
            self.0.read_line(&mut line).await.unwrap();
        }
    }
}
