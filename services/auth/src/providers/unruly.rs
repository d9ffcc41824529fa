//! A server in the place of a provider, for what no good one can be made to do.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::{ProviderSettings, settings::Configuration};

pub(super) struct Unruly {
    pub(super) address: String,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Unruly {
    /// Answers each path with what is made of it and of the server's address; never where that is nothing.
    pub(super) async fn answering(
        answer: impl Fn(&str, &str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn({
            let (address, requests) = (address.clone(), Arc::clone(&requests));
            async move {
                let mut unanswered = Vec::new();
                loop {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    let path = path(&mut stream).await;
                    requests.fetch_add(1, Ordering::SeqCst);
                    match answer(&path, &address) {
                        // Who is not interested in the rest may hang up.
                        Some(text) => drop(stream.write_all(text.as_bytes()).await),
                        None => unanswered.push(stream),
                    }
                }
            }
        });
        Self {
            address,
            requests,
            task,
        }
    }

    /// How often it was asked.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// A provider that it is taken for.
    pub(super) fn configuration(&self) -> Configuration {
        let settings = ProviderSettings {
            client_id: "packtchat".to_owned(),
            client_secret: Some("the-secret/".into()),
            label: None,
            colour: None,
            issuer: Some(self.address.clone()),
            authorization_endpoint: None,
            token_endpoint: None,
            jwks_uri: None,
            scopes: None,
            authentication: None,
        };
        Configuration::new("unruly", &settings).unwrap()
    }
}

impl Drop for Unruly {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with this JSON.
pub(super) fn json(body: &str) -> Option<String> {
    let length = body.len();
    Some(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    ))
}

/// The discovery document of the server at this address, and its keys, of which there are none.
pub(super) fn discovery(path: &str, address: &str) -> Option<String> {
    if path == "/keys" {
        return json(r#"{"keys":[]}"#);
    }
    json(&format!(
        r#"{{"issuer":"{address}","authorization_endpoint":"{address}/auth","token_endpoint":"{address}/token",
        "jwks_uri":"{address}/keys","response_types_supported":["code"],"subject_types_supported":["public"],
        "id_token_signing_alg_values_supported":["RS256"]}}"#
    ))
}

async fn path(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    head.split(' ').nth(1).unwrap().to_owned()
}
