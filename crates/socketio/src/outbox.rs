//! What waits to be written to one connection, and what others want of it. Fan-out ends here:
//! [`Outbox::push`] and a share of one [`Outbox::flush`] are all that a message costs per
//! receiver.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, ErrorKind, IoSlice},
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf, Bytes};
use tokio::net::tcp::OwnedWriteHalf;

use crate::{config::Config, errors::CloseReason, flusher::Flusher, frame::Frame};

/// A queue that has been longer than this gives its memory back when it is empty.
const RETAINED_FRAMES: usize = 16;
/// Frames that leave in one write.
const FRAMES_PER_WRITE: usize = 64;

#[derive(Debug)]
pub(crate) struct Outbox {
    inner: RefCell<Inner>,
    flusher: Rc<Flusher>,
}

#[derive(Debug)]
struct Inner {
    frames: VecDeque<Bytes>,
    bytes: usize,
    max_frames: usize,
    max_bytes: usize,
    /// Whether frames are taken.
    open: bool,
    /// Where frames go; nowhere while the client polls.
    stream: Option<OwnedWriteHalf>,
    /// The stream takes no more for now: the task waits for it, not the flusher.
    blocked: bool,
    /// The flusher knows that there are frames.
    announced: bool,
    /// The connection's task, woken when it is asked for something.
    task: Option<Waker>,
    asked_to_close: Option<CloseReason>,
}

impl Outbox {
    pub(crate) fn new(config: &Config, flusher: Rc<Flusher>) -> Self {
        Self {
            inner: RefCell::new(Inner {
                frames: VecDeque::new(),
                bytes: 0,
                max_frames: config.max_buffered_frames,
                max_bytes: config.max_buffered_bytes,
                open: true,
                stream: None,
                blocked: false,
                announced: false,
                task: None,
                asked_to_close: None,
            }),
            flusher,
        }
    }

    /// An empty queue of the same thread and bounds.
    pub(crate) fn sibling(&self, config: &Config) -> Self {
        Self::new(config, self.flusher.clone())
    }

    /// Frames go to this stream from now on: first the bytes in `before`, then what waits.
    pub(crate) fn attach(self: &Rc<Self>, stream: OwnedWriteHalf, before: VecDeque<Bytes>) {
        let mut inner = self.inner.borrow_mut();
        inner.stream = Some(stream);
        for bytes in before.into_iter().rev() {
            inner.bytes += bytes.len();
            inner.frames.push_front(bytes);
        }
        drop(inner);
        self.announce();
    }

    /// Gives the stream away, with what was to be written to it.
    pub(crate) fn detach(&self) -> Option<(OwnedWriteHalf, VecDeque<Bytes>)> {
        let stream = self.inner.borrow_mut().stream.take()?;
        Some((stream, self.take()))
    }

    /// How many frames may wait.
    pub(crate) fn max_frames(&self) -> usize {
        self.inner.borrow().max_frames
    }

    /// Queues a frame. When the queue is full, it is given up and the connection is asked to
    /// close; the caller never waits. Nothing is queued once the connection closes.
    pub(crate) fn push(self: &Rc<Self>, frame: Frame) {
        let mut inner = self.inner.borrow_mut();
        if !inner.open {
            return;
        }
        let full =
            inner.frames.len() >= inner.max_frames || inner.bytes + frame.len() > inner.max_bytes;
        if full && !inner.frames.is_empty() {
            inner.give_up();
            inner.ask_to_close(CloseReason::SlowReader);
            return;
        }
        inner.append(frame);
        drop(inner);
        self.announce();
    }

    /// Takes a last frame, whatever the queue holds, and no other after it.
    pub(crate) fn close(self: &Rc<Self>, last: Frame) {
        let mut inner = self.inner.borrow_mut();
        if inner.open {
            inner.open = false;
            inner.append(last);
        }
        drop(inner);
        self.announce();
    }

    /// The connection is over: what waits is given up, the stream is closed.
    pub(crate) fn end(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.give_up();
        inner.stream = None;
    }

    /// Asks the connection to close; the first reason counts.
    pub(crate) fn ask_to_close(&self, reason: CloseReason) {
        self.inner.borrow_mut().ask_to_close(reason);
    }

    /// Wakes the connection's task because one of its sockets wants to leave.
    pub(crate) fn nudge(&self) {
        self.inner.borrow().wake_task();
    }

    /// What the connection was asked to close for. Registers its task to be woken.
    pub(crate) fn poll_asked_to_close(&self, cx: &Context<'_>) -> Option<CloseReason> {
        let mut inner = self.inner.borrow_mut();
        match &mut inner.task {
            Some(waker) => waker.clone_from(cx.waker()),
            None => inner.task = Some(cx.waker().clone()),
        }
        inner.asked_to_close
    }

    fn announce(self: &Rc<Self>) {
        let mut inner = self.inner.borrow_mut();
        if !inner.blocked && !inner.announced && !inner.frames.is_empty() {
            inner.announced = true;
            self.flusher.add(self.clone());
        }
    }

    /// Writes what the stream takes. Whatever else there is to do is the task's, which is woken
    /// for it.
    pub(crate) fn flush(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.announced = false;
        if inner.stream.is_none() {
            inner.wake_task();
            return;
        }
        match inner.write() {
            Ok(true) if inner.open => {}
            Ok(_) => inner.wake_task(),
            Err(_) => inner.ask_to_close(CloseReason::TransportClosed),
        }
    }

    /// Writes everything. Ready when that is done, or cannot be.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.flush();
        self.poll_blocked(cx)
    }

    /// Goes on writing to a stream that took no more. Ready when it has nothing to wait for.
    pub(crate) fn poll_blocked(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.inner.borrow_mut();
        while inner.blocked {
            let Some(stream) = &inner.stream else {
                break;
            };
            let written = match ready!(stream.as_ref().poll_write_ready(cx)) {
                Ok(()) => inner.write(),
                Err(error) => Err(error),
            };
            if written.is_err() {
                inner.ask_to_close(CloseReason::TransportClosed);
                break;
            }
        }
        Poll::Ready(())
    }

    /// Whether nothing waits to be written.
    pub(crate) fn is_empty(&self) -> bool {
        self.inner.borrow().frames.is_empty()
    }

    /// Takes the first frame that waits, if it is wanted, for a client that polls.
    pub(crate) fn take_first(&self, wanted: impl FnOnce(&Bytes) -> bool) -> Option<Bytes> {
        let mut inner = self.inner.borrow_mut();
        let frame = inner.frames.pop_front_if(|frame| wanted(frame))?;
        inner.bytes -= frame.len();
        Some(frame)
    }

    /// Takes all frames that wait.
    pub(crate) fn take(&self) -> VecDeque<Bytes> {
        let mut inner = self.inner.borrow_mut();
        inner.bytes = 0;
        std::mem::take(&mut inner.frames)
    }
}

impl Inner {
    fn append(&mut self, frame: Frame) {
        self.bytes += frame.len();
        self.frames.push_back(frame.into_bytes());
    }

    fn give_up(&mut self) {
        self.open = false;
        self.frames = VecDeque::new();
        self.bytes = 0;
    }

    fn ask_to_close(&mut self, reason: CloseReason) {
        self.asked_to_close.get_or_insert(reason);
        self.wake_task();
    }

    fn wake_task(&self) {
        if let Some(task) = &self.task {
            task.wake_by_ref();
        }
    }

    /// Writes until the queue is empty, which is true, or the stream takes no more.
    fn write(&mut self) -> io::Result<bool> {
        self.blocked = false;
        while !self.frames.is_empty() {
            match self.write_some() {
                Ok(written) => self.consume(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.blocked = true;
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        if self.frames.capacity() > RETAINED_FRAMES {
            self.frames = VecDeque::new();
        }
        Ok(true)
    }

    fn write_some(&self) -> io::Result<usize> {
        let stream = self.stream.as_ref().ok_or(ErrorKind::WouldBlock)?;
        if let [frame] = self.frames.as_slices().0
            && self.frames.len() == 1
        {
            return stream.try_write(frame);
        }
        let mut slices = [IoSlice::new(&[]); FRAMES_PER_WRITE];
        for (slice, frame) in slices.iter_mut().zip(&self.frames) {
            *slice = IoSlice::new(frame);
        }
        let count = self.frames.len().min(FRAMES_PER_WRITE);
        stream.try_write_vectored(&slices[..count])
    }

    fn consume(&mut self, mut written: usize) {
        self.bytes -= written;
        while let Some(frame) = self.frames.front_mut() {
            if written < frame.len() {
                frame.advance(written);
                return;
            }
            written -= frame.len();
            self.frames.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use futures_util::task::{ArcWake, noop_waker, waker};
    use tokio::{
        io::AsyncReadExt,
        net::{TcpListener, TcpStream},
    };

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl ArcWake for Wakes {
        fn wake_by_ref(wakes: &Arc<Self>) {
            wakes.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Wakes {
        fn count(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn outbox(max_buffered_frames: usize, max_buffered_bytes: usize) -> Rc<Outbox> {
        let config = Config {
            max_buffered_frames,
            max_buffered_bytes,
            ..Config::default()
        };
        Rc::new(Outbox::new(&config, Rc::default()))
    }

    fn asked(outbox: &Outbox) -> Option<CloseReason> {
        outbox.poll_asked_to_close(&Context::from_waker(&noop_waker()))
    }

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, server) = tokio::join!(client, listener.accept());
        (client.unwrap(), server.unwrap().0)
    }

    #[test]
    fn frames_wait_in_order_and_uncopied() {
        let outbox = outbox(8, 1_000);
        let frames = [Frame::text("a"), Frame::text("b")];
        for frame in &frames {
            outbox.push(frame.clone());
        }
        let left = outbox.take();
        for (frame, bytes) in frames.into_iter().zip(&left) {
            assert_eq!(frame.into_bytes().as_ptr(), bytes.as_ptr());
        }
        assert_eq!(left.len(), 2);
        assert!(outbox.is_empty());
    }

    #[tokio::test]
    async fn many_frames_arrive_whole_and_in_order_at_a_reader_that_pauses() {
        let (mut client, server) = pair().await;
        let (_read, write) = server.into_split();
        let outbox = outbox(usize::MAX, usize::MAX);
        let text = "x".repeat(1_000);
        let frames: Vec<_> = (0..20_000)
            .map(|number| Frame::text(&format!("{number}{text}")))
            .collect();
        let early = frames[0].clone().into_bytes();
        outbox.push(frames[1].clone());
        outbox.attach(write, [early].into());
        outbox.flush();
        for frame in &frames[2..] {
            outbox.push(frame.clone());
            outbox.flush();
        }
        assert!(
            !outbox.is_empty(),
            "the reader should not have taken it all"
        );
        let expected: Vec<u8> = frames.into_iter().flat_map(Frame::into_bytes).collect();
        let mut arrived = vec![0; expected.len()];
        let write = std::future::poll_fn(|cx| outbox.poll_blocked(cx));
        let (read, ()) = tokio::join!(client.read_exact(&mut arrived), write);
        read.unwrap();
        assert!(arrived == expected);
        assert!(outbox.is_empty());
    }

    #[tokio::test]
    async fn a_reader_that_is_gone_ends_the_connection() {
        let (client, server) = pair().await;
        let (_read, write) = server.into_split();
        let outbox = outbox(8, 1_000);
        outbox.attach(write, VecDeque::new());
        drop(client);
        // The first write may still be taken; the answer to it is that nobody is there.
        while asked(&outbox).is_none() {
            outbox.push(Frame::text("a"));
            outbox.flush();
            tokio::task::yield_now().await;
        }
        assert_eq!(asked(&outbox), Some(CloseReason::TransportClosed));
    }

    #[test]
    fn too_many_frames_close_the_connection() {
        let outbox = outbox(2, 1_000);
        outbox.push(Frame::text("a"));
        outbox.push(Frame::text("b"));
        assert_eq!(asked(&outbox), None);
        outbox.push(Frame::text("c"));
        assert_eq!(asked(&outbox), Some(CloseReason::SlowReader));
        assert!(outbox.is_empty(), "what waited is given up");
        outbox.push(Frame::text("d"));
        assert!(outbox.is_empty());
    }

    #[test]
    fn too_many_bytes_close_the_connection_but_one_frame_always_fits() {
        let outbox = outbox(8, 10);
        outbox.push(Frame::text("longer than ten bytes"));
        assert_eq!(asked(&outbox), None);
        outbox.push(Frame::text("a"));
        assert_eq!(asked(&outbox), Some(CloseReason::SlowReader));
    }

    #[test]
    fn bytes_count_only_while_they_wait() {
        let outbox = outbox(8, 10);
        for _ in 0..20 {
            outbox.push(Frame::text("abcd"));
            assert_eq!(outbox.take().len(), 1);
        }
        assert_eq!(asked(&outbox), None);
    }

    #[test]
    fn the_first_reason_to_close_counts() {
        let outbox = outbox(8, 10);
        let wakes = Arc::new(Wakes::default());
        let waker = waker(wakes.clone());
        outbox.poll_asked_to_close(&Context::from_waker(&waker));
        outbox.ask_to_close(CloseReason::GoingAway);
        outbox.ask_to_close(CloseReason::TransportClosed);
        assert_eq!(wakes.count(), 2);
        assert_eq!(asked(&outbox), Some(CloseReason::GoingAway));
    }

    #[test]
    fn nothing_follows_the_last_frame() {
        let outbox = outbox(8, 1_000);
        outbox.push(Frame::text("a"));
        outbox.close(Frame::close(CloseReason::GoingAway));
        outbox.push(Frame::text("b"));
        assert_eq!(outbox.take().len(), 2);
    }
}
