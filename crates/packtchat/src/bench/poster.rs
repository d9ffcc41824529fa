//! The senders: a thread that posts on time, whatever servers and readers do.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::num::NonZero;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::setpriority_process;
use rustix::thread::set_current_timer_slack;

use super::clock::{block_until, now_ns};
use super::frame;
use super::packets::stamped;
use super::schedule::{Post, Schedule};
use super::tally::{Latencies, latencies};

/// Above everybody else on this machine, who all have 0.
const PRIORITY: i32 = -15;

/// Sleeps end within a microsecond of their time, not the usual fifty later.
const TIMER_SLACK_NS: NonZero<u64> = NonZero::new(1000).unwrap();

/// Longest wait for the rest of a frame to be taken, which must not be cut.
const REST_PATIENCE: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// What to post, and through which sockets.
pub(crate) struct Poster {
    pub(crate) schedule: Schedule,
    /// By sender; they do not block.
    pub(crate) sockets: Vec<TcpStream>,
    pub(crate) namespace: String,
    pub(crate) room_prefix: String,
    /// Length of a post's text.
    pub(crate) bytes: usize,
    /// Whether to ask for acknowledgements.
    pub(crate) ack: bool,
}

/// What came of it.
pub(crate) struct Posted {
    /// Posts that their socket did not take.
    pub(crate) not_taken: Vec<u64>,
    /// How late posts left, in microseconds.
    pub(crate) lag: Latencies,
}

impl Poster {
    /// Posts all of the schedule. Blocks its thread.
    pub(crate) fn run(self) -> Posted {
        // Without the rights for it, posts leave somewhat later, which the report tells.
        let _ = setpriority_process(None, PRIORITY);
        let _ = set_current_timer_slack(Some(TIMER_SLACK_NS));
        let mut posted = Posted {
            not_taken: vec![],
            lag: latencies(),
        };
        let mut frame = Vec::new();
        for (number, post) in self.schedule.posts() {
            frame.clear();
            let packet = self.packet(number, &post);
            frame::encode(
                &mut frame,
                frame::TEXT,
                packet.as_bytes(),
                post.due_ns as u32,
            );
            block_until(post.due_ns);
            if write_whole(&self.sockets[post.sender], &frame) {
                posted
                    .lag
                    .saturating_record((now_ns() - post.due_ns) / 1000);
            } else {
                posted.not_taken.push(number);
            }
        }
        posted
    }

    fn packet(&self, number: u64, post: &Post) -> String {
        let (namespace, prefix, room) = (&self.namespace, &self.room_prefix, post.room);
        let ack = if self.ack {
            number.to_string()
        } else {
            String::new()
        };
        let stamp = stamped(number);
        let width = self.bytes.max(stamp.len());
        format!(
            "42{namespace},{ack}[\"AddChat\",{{\"message\":\"{stamp:x<width$}\",\"room\":\"{prefix}{room}\"}}]"
        )
    }
}

/// Writes a frame. A socket that takes none of it is left alone; one that takes a part is waited
/// for.
fn write_whole(mut socket: &TcpStream, frame: &[u8]) -> bool {
    let mut rest = frame;
    while !rest.is_empty() {
        match socket.write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error)
                if error.kind() == ErrorKind::WouldBlock
                    && rest.len() < frame.len()
                    && is_writable(socket) => {}
            Err(_) => return false,
        }
    }
    true
}

fn is_writable(socket: &TcpStream) -> bool {
    let mut sockets = [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::OUT)];
    poll(&mut sockets, Some(&REST_PATIENCE)).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;
    use crate::bench::packets::{Packet, Packets};
    use crate::bench::schedule::Pace;

    fn poster(sockets: Vec<TcpStream>, ack: bool, bytes: usize) -> Poster {
        let pace = Pace {
            rate: 1000.0,
            warmup: 0.0,
            seconds: 0.01,
        };
        Poster {
            schedule: Schedule::new(7, now_ns(), pace, 1, 1),
            sockets,
            namespace: "/packtchat".into(),
            room_prefix: "room-".into(),
            bytes,
            ack,
        }
    }

    #[test]
    fn a_post_is_found_by_its_stamp_and_has_the_length_asked_for() {
        for (ack, bytes, text) in [(true, 6, "~7~xxx"), (false, 6, "~7~xxx"), (true, 0, "~7~")] {
            let poster = poster(vec![], ack, bytes);
            let packet = poster.packet(7, &poster.schedule.post(7).unwrap());
            let number = if ack { "7" } else { "" };
            assert_eq!(
                packet,
                format!(
                    "42/packtchat,{number}[\"AddChat\",{{\"message\":\"{text}\",\"room\":\"room-0\"}}]"
                )
            );
        }
        let delivered = "42/packtchat,[\"AddChat\",{\"message\":\"~7~xxx\"}]";
        assert_eq!(
            Packets::of("/packtchat").read(delivered.as_bytes()),
            Packet::Chat { number: Some(7) }
        );
    }

    #[test]
    fn all_posts_leave_whole_and_those_a_full_socket_does_not_take_are_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let posted = poster(vec![socket.try_clone().unwrap()], true, 10).run();
        assert!(posted.not_taken.is_empty());
        assert_eq!(posted.lag.len(), 10);
        // The kernel takes more once it has moved some to the other side, until that is full too.
        let fill = || while (&socket).write(&[0; 65_536]).is_ok() {};
        fill();
        while is_writable(&socket) {
            fill();
        }
        fill();
        let posted = poster(vec![socket], true, 10).run();
        assert_eq!(posted.not_taken, (7..17).collect::<Vec<u64>>());
        let mut first = [0; 2];
        server.read_exact(&mut first).unwrap();
        assert_eq!(first[0], 0x81, "a final text frame");
    }
}
