//! Writes what has been queued for the connections of one thread. A message to a room queues one
//! frame for each receiver; when whoever queued has had its turn, one task writes to all of them,
//! so that frames that came together leave together and no receiver costs a task switch.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::{Future, poll_fn},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use crate::outbox::Outbox;

/// Connections that are written to before others get a turn: those that read, and timers.
const TURN: usize = 512;

/// The connections of one thread that have something to write.
#[derive(Debug, Default)]
pub(crate) struct Flusher {
    waiting: RefCell<VecDeque<Rc<Outbox>>>,
    waker: RefCell<Option<Waker>>,
}

impl Flusher {
    /// Writes to this connection soon.
    pub(crate) fn add(&self, outbox: Rc<Outbox>) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.push_back(outbox);
        if waiting.len() == 1
            && let Some(waker) = &*self.waker.borrow()
        {
            waker.wake_by_ref();
        }
    }

    /// Writes whatever is queued, for as long as the thread lives.
    pub(crate) fn run(self: Rc<Self>) -> impl Future<Output = ()> {
        poll_fn(move |cx| self.poll(cx))
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut waker = self.waker.borrow_mut();
        match &mut *waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => *waker = Some(cx.waker().clone()),
        }
        drop(waker);
        for _ in 0..TURN {
            // The borrow ends before the writing, which may add to the queue.
            let next = self.waiting.borrow_mut().pop_front();
            match next {
                Some(outbox) => outbox.flush(),
                None => return Poll::Pending,
            }
        }
        if !self.waiting.borrow().is_empty() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
