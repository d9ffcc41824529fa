//! Requests for a WebSocket: the handshake. The stream is taken from actix then, so that nothing
//! of HTTP is left of the connection.

use std::{io, time::Duration};

use actix_codec::{Encoder, Framed, FramedParts};
use actix_http::{
    ConnectionType, Request, RequestHead, Response,
    body::{BodySize, MessageBody},
    h1, ws,
};
use actix_web::{cookie::Cookie, http::header, rt::net::TcpStream};
use bytes::{Bytes, BytesMut};
use tokio::{io::AsyncWriteExt, sync::mpsc, time::timeout};

use super::{
    http::cookie,
    polling::{Upgrade, Visit},
    task::{Carrier, State, Task, now},
    websocket::WebSocket,
};
use crate::{
    connection::Connection,
    errors::CloseReason,
    frame::Frame,
    handshake::{HandshakeData, Rejection, Wish, verify},
    hub::Place,
    server::SocketIo,
};

/// How long a client may take to read that it is refused.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(5);

type Parts = FramedParts<TcpStream, h1::Codec>;

/// What a WebSocket is for.
enum Purpose {
    /// A new connection.
    Open(HandshakeData, Place),
    /// One that polled so far.
    Upgrade(mpsc::Sender<Visit>),
    /// One that has a WebSocket already.
    TurnAway,
}

/// Serves a request that asks for a WebSocket.
pub(crate) async fn upgrade(io: SocketIo, request: Request, framed: Framed<TcpStream, h1::Codec>) {
    let mut parts = framed.into_parts();
    let head = request.head();
    let done = match admit(&io, head) {
        Ok(Purpose::Open(data, place)) => open(&io, head, data, place, parts),
        Ok(Purpose::Upgrade(visits)) => hand_over(head, &visits, parts),
        Ok(Purpose::TurnAway) => in_time(turn_away(head, &mut parts)).await,
        Err(rejection) => in_time(refuse(&rejection, &mut parts)).await,
    };
    if let Err(error) = done {
        tracing::debug!(%error, "a WebSocket handshake was cut off");
    }
}

fn admit(io: &SocketIo, request: &RequestHead) -> Result<Purpose, Rejection> {
    let hub = io.0.hub();
    let config = hub.config();
    if request.uri.path().trim_end_matches('/') != config.path.trim_end_matches('/') {
        return Err(Rejection::WrongPath);
    }
    let wish = verify(request, true, config.transports)?;
    ws::verify_handshake(request).map_err(|_| Rejection::BadRequest)?;
    match wish {
        Wish::Open => {
            let request = HandshakeData::new(request, config);
            io.0.allow(&request)?;
            let place = hub.admit(request.client_addr())?;
            Ok(Purpose::Open(request, place))
        }
        Wish::Session(id) => {
            let visits = hub.polling(id).ok_or(Rejection::UnknownSid)?;
            Ok(visits.map_or(Purpose::TurnAway, Purpose::Upgrade))
        }
    }
}

/// Opens a connection.
fn open(
    io: &SocketIo,
    request: &RequestHead,
    data: HandshakeData,
    place: Place,
    mut parts: Parts,
) -> io::Result<()> {
    let shared = &io.0;
    let config = shared.hub().config();
    let connection = Connection::open(shared.clone(), data, place, false, now());
    let cookie = cookie(config, connection.id());
    let response = agreement(request, cookie, &mut parts.codec)?;
    let (read, write) = parts.io.into_split();
    connection.outbox().attach(write, [response].into());
    let socket = WebSocket::new(read, &parts.read_buf, config.max_payload);
    Task::spawn(shared, connection, Carrier::WebSocket(socket, State::Open));
    Ok(())
}

/// Gives the stream to the connection it is for.
fn hand_over(
    request: &RequestHead,
    visits: &mpsc::Sender<Visit>,
    mut parts: Parts,
) -> io::Result<()> {
    let upgrade = Upgrade {
        response: agreement(request, None, &mut parts.codec)?,
        // It may belong to another thread.
        stream: parts.io.into_std()?,
        early: parts.read_buf,
    };
    // Where the session has ended meanwhile, the client sees the stream close.
    let _ = visits.try_send(Visit::Probe(Box::new(upgrade)));
    Ok(())
}

/// The response that turns the stream into a WebSocket.
fn agreement(
    request: &RequestHead,
    cookie: Option<Cookie<'_>>,
    codec: &mut h1::Codec,
) -> io::Result<Bytes> {
    let mut response = ws::handshake_response(request);
    if let Some(cookie) = cookie {
        response.append_header((header::SET_COOKIE, cookie.to_string()));
    }
    let mut bytes = BytesMut::new();
    let head = (response.finish().drop_body(), BodySize::None);
    codec.encode(h1::Message::Item(head), &mut bytes)?;
    Ok(bytes.freeze())
}

async fn in_time(work: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    timeout(REFUSAL_TIMEOUT, work).await?
}

/// Completes the handshake, as the reference implementation does, only to close.
async fn turn_away(request: &RequestHead, parts: &mut Parts) -> io::Result<()> {
    let response = agreement(request, None, &mut parts.codec)?;
    parts.io.write_all(&response).await?;
    let close = Frame::close(CloseReason::UnexpectedPacket);
    parts.io.write_all(&close.into_bytes()).await?;
    parts.io.shutdown().await
}

async fn refuse(rejection: &Rejection, parts: &mut Parts) -> io::Result<()> {
    let (head, body) = rejection.response().into_parts();
    let mut head = Response::from(head);
    head.head_mut().set_connection_type(ConnectionType::Close);
    let body = body.try_into_bytes().unwrap_or_default();
    let mut bytes = BytesMut::new();
    let size = BodySize::Sized(body.len() as u64);
    parts
        .codec
        .encode(h1::Message::Item((head, size)), &mut bytes)?;
    bytes.extend_from_slice(&body);
    parts.io.write_all(&bytes).await?;
    parts.io.shutdown().await
}
