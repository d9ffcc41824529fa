//! What waits to be written to one connection, and what others want of it. Fan-out ends here:
//! [`Outbox::push`] is all that a message costs per receiver until the bytes are written.

use std::{
    cell::RefCell,
    collections::VecDeque,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use crate::{config::Config, errors::CloseReason, frame::Frame};

/// A queue that has been longer than this gives its memory back when it is empty.
const RETAINED_FRAMES: usize = 64;

#[derive(Debug)]
pub(crate) struct Outbox(RefCell<Inner>);

#[derive(Debug)]
struct Inner {
    frames: VecDeque<Frame>,
    bytes: usize,
    max_frames: usize,
    max_bytes: usize,
    phase: Phase,
    /// The writer waits and has to be woken for the next frame.
    writer: Option<Waker>,
    writer_waits: bool,
    /// The connection's task, woken when it is asked for something.
    task: Option<Waker>,
    asked_to_close: Option<CloseReason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Frames are taken.
    Open,
    /// No more frames are taken, those that wait are written.
    Closing,
    /// After the waiting frames the writer ends.
    Ended,
}

impl Outbox {
    pub(crate) fn new(config: &Config) -> Self {
        Self(RefCell::new(Inner {
            frames: VecDeque::new(),
            bytes: 0,
            max_frames: config.max_buffered_frames,
            max_bytes: config.max_buffered_bytes,
            phase: Phase::Open,
            writer: None,
            writer_waits: false,
            task: None,
            asked_to_close: None,
        }))
    }

    /// How many frames may wait.
    pub(crate) fn max_frames(&self) -> usize {
        self.0.borrow().max_frames
    }

    /// Queues a frame. When the queue is full, it is given up and the connection is asked to
    /// close; the caller never waits. Nothing is queued once the connection closes.
    pub(crate) fn push(&self, frame: Frame) {
        let mut inner = self.0.borrow_mut();
        if inner.phase != Phase::Open {
            return;
        }
        let full =
            inner.frames.len() >= inner.max_frames || inner.bytes + frame.len() > inner.max_bytes;
        if full && !inner.frames.is_empty() {
            inner.frames = VecDeque::new();
            inner.bytes = 0;
            inner.phase = Phase::Closing;
            inner.ask_to_close(CloseReason::SlowReader);
            return;
        }
        inner.append(frame);
    }

    /// Takes a last frame, whatever the queue holds, and no other after it.
    pub(crate) fn close(&self, last: Frame) {
        let mut inner = self.0.borrow_mut();
        if inner.phase != Phase::Ended {
            inner.phase = Phase::Closing;
            inner.append(last);
        }
    }

    /// Lets the writer end after the frames that wait.
    pub(crate) fn end(&self) {
        let mut inner = self.0.borrow_mut();
        inner.phase = Phase::Ended;
        inner.wake_writer();
    }

    /// Asks the connection to close; the first reason counts.
    pub(crate) fn ask_to_close(&self, reason: CloseReason) {
        self.0.borrow_mut().ask_to_close(reason);
    }

    /// Wakes the connection's task because one of its sockets wants to leave.
    pub(crate) fn nudge(&self) {
        self.0.borrow_mut().wake_task();
    }

    /// What the connection was asked to close for. Registers its task to be woken.
    pub(crate) fn poll_asked_to_close(&self, cx: &Context<'_>) -> Option<CloseReason> {
        let mut inner = self.0.borrow_mut();
        register(&mut inner.task, cx);
        inner.asked_to_close
    }

    /// The next frame to write; `None` when there will be no more.
    pub(crate) fn poll_frame(&self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        let mut inner = self.0.borrow_mut();
        if let Some(frame) = inner.frames.pop_front() {
            inner.bytes -= frame.len();
            return Poll::Ready(Some(frame.into_bytes()));
        }
        if inner.phase == Phase::Ended {
            return Poll::Ready(None);
        }
        if inner.frames.capacity() > RETAINED_FRAMES {
            inner.frames = VecDeque::new();
        }
        register(&mut inner.writer, cx);
        inner.writer_waits = true;
        Poll::Pending
    }
}

impl Inner {
    fn append(&mut self, frame: Frame) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
        self.wake_writer();
    }

    fn ask_to_close(&mut self, reason: CloseReason) {
        self.asked_to_close.get_or_insert(reason);
        self.wake_task();
    }

    fn wake_writer(&mut self) {
        // Kept for the next wait: waking by reference spares a clone per frame.
        if std::mem::take(&mut self.writer_waits)
            && let Some(writer) = &self.writer
        {
            writer.wake_by_ref();
        }
    }

    fn wake_task(&self) {
        if let Some(task) = &self.task {
            task.wake_by_ref();
        }
    }
}

fn register(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *slot = Some(cx.waker().clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use futures_util::task::{ArcWake, noop_waker, waker};

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

    fn outbox(max_buffered_frames: usize, max_buffered_bytes: usize) -> Outbox {
        Outbox::new(&Config {
            max_buffered_frames,
            max_buffered_bytes,
            ..Config::default()
        })
    }

    fn drain(outbox: &Outbox) -> Vec<Bytes> {
        let waker = noop_waker();
        let cx = Context::from_waker(&waker);
        let mut frames = Vec::new();
        while let Poll::Ready(Some(bytes)) = outbox.poll_frame(&cx) {
            frames.push(bytes);
        }
        frames
    }

    fn asked(outbox: &Outbox) -> Option<CloseReason> {
        outbox.poll_asked_to_close(&Context::from_waker(&noop_waker()))
    }

    #[test]
    fn frames_leave_in_order_and_uncopied() {
        let outbox = outbox(8, 1_000);
        let frames = [Frame::text("a"), Frame::text("b")];
        for frame in &frames {
            outbox.push(frame.clone());
        }
        let left = drain(&outbox);
        for (frame, bytes) in frames.into_iter().zip(&left) {
            assert_eq!(frame.into_bytes().as_ptr(), bytes.as_ptr());
        }
        assert_eq!(left.len(), 2);
    }

    #[test]
    fn a_waiting_writer_is_woken_once_for_many_frames() {
        let outbox = outbox(8, 1_000);
        let wakes = Arc::new(Wakes::default());
        let waker = waker(wakes.clone());
        let cx = Context::from_waker(&waker);
        assert!(outbox.poll_frame(&cx).is_pending());
        outbox.push(Frame::text("a"));
        outbox.push(Frame::text("b"));
        assert_eq!(wakes.count(), 1);
        assert!(outbox.poll_frame(&cx).is_ready());
        assert!(outbox.poll_frame(&cx).is_ready());
        outbox.push(Frame::text("c"));
        assert_eq!(wakes.count(), 1, "it is not waiting");
        assert!(outbox.poll_frame(&cx).is_ready());
        assert!(outbox.poll_frame(&cx).is_pending());
        outbox.end();
        assert_eq!(wakes.count(), 2);
        assert_eq!(outbox.poll_frame(&cx), Poll::Ready(None));
    }

    #[test]
    fn too_many_frames_close_the_connection() {
        let outbox = outbox(2, 1_000);
        outbox.push(Frame::text("a"));
        outbox.push(Frame::text("b"));
        assert_eq!(asked(&outbox), None);
        outbox.push(Frame::text("c"));
        assert_eq!(asked(&outbox), Some(CloseReason::SlowReader));
        assert_eq!(
            drain(&outbox),
            Vec::<Bytes>::new(),
            "what waited is given up"
        );
        outbox.push(Frame::text("d"));
        let last = Frame::close(CloseReason::SlowReader);
        outbox.close(last.clone());
        assert_eq!(drain(&outbox), [last.into_bytes()]);
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
            assert_eq!(drain(&outbox).len(), 1);
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
        assert_eq!(drain(&outbox).len(), 2);
    }
}
