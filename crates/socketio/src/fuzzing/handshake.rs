use std::net::{IpAddr, SocketAddr};

use actix_http::{Request, RequestHead};
use actix_web::{
    body::MessageBody,
    cookie::Cookie,
    http::{
        Method, Uri,
        header::{self, HeaderName, HeaderValue},
    },
};

use super::within;
use crate::{
    config::{Config, Transports},
    handshake::{HandshakeData, Rejection, Wish, verify},
};

/// The input and a few copies of it.
const MEMORY: u64 = 32 << 10;
const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
/// Headers of a request, as actix has it.
const MAX_HEADERS: usize = 96;
/// Bytes of a cookie that is sent back.
const MAX_COOKIE: usize = 256;
const TRANSPORTS: Transports = Transports {
    polling: true,
    websocket: true,
};

/// A request, as the lines of HTTP. Before its headers comes a line with the address it arrives
/// from; 127.0.0.1 is a trusted proxy. What HTTP itself does not allow is left out.
pub fn handshake(input: &[u8]) {
    within(MEMORY, || run(input));
}

fn run(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let Some(request) = request(&mut lines) else {
        return;
    };
    let head = request.head();
    let config = Config {
        trusted_proxies: vec![PROXY],
        ..Config::default()
    };
    let data = HandshakeData::new(head, &config);
    for upgrade in [false, true] {
        match verify(head, upgrade, TRANSPORTS) {
            Ok(wish) => agreed(head, upgrade, wish, &data),
            Err(rejection) => answered(&rejection),
        }
        let none = Transports {
            polling: false,
            websocket: false,
        };
        let refused = verify(head, upgrade, none);
        assert_eq!(refused, Err(Rejection::UnknownTransport));
    }
    addressed(head, &data);
    for name in head.headers.keys() {
        let mut values = head.headers.get_all(name);
        let expected = values.find_map(|value| value.to_str().ok());
        assert_eq!(data.header(name.as_str()), expected);
    }
    for cookies in head.headers.get_all(header::COOKIE) {
        let cookies = cookies.to_str().unwrap_or_default().split(';');
        for name in cookies.filter_map(|pair| pair.split('=').next()) {
            // Of a long one, this check would hold many copies.
            if let Some(value) = data.cookie(name.trim())
                && name.len() + value.len() <= MAX_COOKIE
            {
                kept(name.trim(), &value);
            }
        }
    }
}

fn request<'a>(lines: &mut impl Iterator<Item = &'a [u8]>) -> Option<Request> {
    let mut first = lines.next()?.splitn(2, |byte| *byte == b' ');
    let mut request = Request::new();
    let head = request.head_mut();
    head.method = Method::from_bytes(first.next()?).ok()?;
    head.uri = Uri::try_from(first.next()?).ok()?;
    let peer = std::str::from_utf8(lines.next().unwrap_or_default()).ok()?;
    head.peer_addr = peer
        .parse()
        .ok()
        .map(|ip: IpAddr| SocketAddr::new(ip, 4000));
    for line in lines.take(MAX_HEADERS) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(parts.next()?);
        let value = HeaderValue::from_bytes(parts.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            head.headers.append(name, value);
        }
    }
    Some(request)
}

/// A request that is taken says what it was taken for, and is taken for the same when said
/// plainly.
fn agreed(head: &RequestHead, upgrade: bool, wish: Wish, data: &HandshakeData) {
    let transport = data.query("transport").unwrap_or_default();
    assert_eq!(transport, if upgrade { "websocket" } else { "polling" });
    let plain = match wish {
        Wish::Open => {
            assert_eq!(head.method, Method::GET);
            assert_eq!(data.query("sid"), None);
            assert_eq!(data.query("EIO").as_deref(), Some("4"));
            format!("/?EIO=4&transport={transport}")
        }
        Wish::Session(id) => {
            assert_eq!(data.query("sid"), Some(id.to_string()));
            format!("/?transport={transport}&sid={id}")
        }
    };
    let mut again = Request::new();
    again.head_mut().method = head.method.clone();
    let Ok(uri) = plain.parse() else {
        panic!("{plain} is no address");
    };
    again.head_mut().uri = uri;
    assert_eq!(verify(again.head(), upgrade, TRANSPORTS), Ok(wish));
}

/// A refusal is an error with one of the protocol's codes, as JSON.
fn answered(rejection: &Rejection) {
    let response = rejection.response();
    assert!(response.status().is_client_error());
    let body = response.into_body().try_into_bytes().unwrap_or_default();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    assert!(
        body["code"].as_u64().is_some_and(|code| code <= 5),
        "{body}"
    );
    assert!(body["message"].is_string());
}

/// Only a proxy that is trusted speaks for others.
fn addressed(head: &RequestHead, data: &HandshakeData) {
    assert_eq!(data.peer_addr(), head.peer_addr);
    let peer = head.peer_addr.map(|peer| peer.ip().to_canonical());
    assert_eq!(data.client_addr().is_some(), peer.is_some());
    if peer != Some(PROXY) {
        assert_eq!(data.client_addr(), peer);
    }
}

/// A cookie that was read is read as the same when it is sent back.
fn kept(name: &str, value: &str) {
    let value_alone = Cookie::new("", value).encoded().to_string();
    let cookie = format!("{name}{value_alone}");
    let Ok(line) = HeaderValue::from_str(&cookie) else {
        panic!("{cookie:?} is no header");
    };
    let mut request = Request::new();
    request.head_mut().headers.insert(header::COOKIE, line);
    let data = HandshakeData::new(request.head(), &Config::default());
    assert_eq!(data.cookie(name).as_deref(), Some(value), "{cookie}");
}
