//! The connections of a run: opened together, closed together.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::connection::Connection;
use super::frame;
use super::handshake;
use super::progress_line::ProgressLine;
use super::shared::{Member, Shared};
use super::target::Target;

/// Longest handshake.
const OPEN_PATIENCE: Duration = Duration::from_secs(30);
/// Longest wait for servers to end connections that were closed.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);
/// A stalled connection that reads again and gets nothing for so long has read all there is.
const SILENCE: Duration = Duration::from_secs(1);
/// Longest it may go on reading.
const CATCH_UP_PATIENCE: Duration = Duration::from_secs(30);

/// Who is to be there.
pub(crate) struct CrowdPlan {
    /// How many connections.
    pub(crate) connections: usize,
    /// Rooms they are spread over; 0 puts them in none.
    pub(crate) rooms: usize,
    /// Rooms are named this and a number.
    pub(crate) room_prefix: String,
    /// How many of them never read; the last ones.
    pub(crate) stalled: usize,
    /// Handshakes under way at one time.
    pub(crate) parallel: usize,
}

/// Open connections. Dropping it cuts them off.
pub(crate) struct Crowd {
    pub(crate) shared: Rc<Shared>,
    readers: JoinSet<()>,
    stalled: Vec<Connection>,
}

/// What became of the connections that did not read.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Stalled {
    /// How many there were.
    pub(crate) connections: u64,
    /// How many the server closed.
    pub(crate) closed: u64,
    /// What they were told.
    pub(crate) reasons: BTreeMap<String, u64>,
}

impl Crowd {
    /// Opens all connections and enters their rooms.
    ///
    /// # Errors
    /// When one of them cannot be opened: without all of them nothing can be compared.
    pub(crate) async fn open(
        target: &Target,
        plan: &CrowdPlan,
        progress: &ProgressLine,
    ) -> anyhow::Result<Crowd> {
        let members = plan.members(target.nodes.len());
        let shared = Rc::new(Shared::new(&target.namespace, members));
        let mut crowd = Crowd {
            shared: shared.clone(),
            readers: JoinSet::new(),
            stalled: vec![],
        };
        let handshakes = (0..plan.connections).map(|number| {
            let member = &shared.members[number];
            let room = member.room.map(|room| plan.room(room));
            let stalled = member.stalled;
            async move {
                let opening = handshake::open(target, number, room.as_deref(), stalled);
                let opened = match timeout(OPEN_PATIENCE, opening).await {
                    Ok(opened) => opened,
                    Err(_) => Err(anyhow::anyhow!("no answer within {OPEN_PATIENCE:?}")),
                };
                (number, opened)
            }
        });
        let mut handshakes = stream::iter(handshakes).buffer_unordered(plan.parallel);
        let mut failures: BTreeMap<String, usize> = BTreeMap::new();
        let mut done = 0;
        while let Some((number, opened)) = handshakes.next().await {
            match opened {
                Ok(admitted) => crowd.add(number, admitted),
                Err(why) => *failures.entry(format!("{why:#}")).or_default() += 1,
            }
            done += 1;
            progress.show(|| format!("connecting {done} of {}", plan.connections));
        }
        if failures.is_empty() {
            return Ok(crowd);
        }
        let reasons: Vec<String> = failures
            .iter()
            .map(|(why, count)| format!("{count} × {why}"))
            .collect();
        bail!(
            "of {} connections some could not be opened: {}",
            plan.connections,
            reasons.join("; ")
        )
    }

    fn add(&mut self, number: usize, admitted: handshake::Admitted) {
        let (reader, writer) = admitted.stream.into_split();
        let member = &self.shared.members[number];
        member.writer.replace(Some(writer));
        let connection = Connection::new(number, self.shared.clone(), reader, admitted.rest);
        if member.stalled {
            self.stalled.push(connection);
        } else {
            self.readers.spawn_local(connection.run());
        }
    }

    /// Handles of these connections for another thread to write to.
    ///
    /// # Errors
    /// When one of them has ended.
    pub(crate) fn sockets(&self, numbers: &[usize]) -> anyhow::Result<Vec<TcpStream>> {
        let socket = |number: &usize| {
            let writer = self.shared.members[*number].writer.borrow();
            let writer = writer
                .as_ref()
                .context("a connection that posts has ended")?;
            let socket = writer.as_ref().as_fd().try_clone_to_owned()?;
            Ok(TcpStream::from(socket))
        };
        numbers.iter().map(socket).collect()
    }

    /// Lets those that never read begin to, in order to learn which of them the server closed.
    pub(crate) async fn wake_stalled(&mut self) -> Stalled {
        let mut result = Stalled::default();
        let waking = self.stalled.drain(..).map(async |mut connection| {
            let ends = async {
                loop {
                    match timeout(SILENCE, connection.receive()).await {
                        Ok(Ok(())) => {}
                        Ok(Err(why)) => return Some(why),
                        Err(_) => return None,
                    }
                }
            };
            timeout(CATCH_UP_PATIENCE, ends).await.unwrap_or(None)
        });
        for ended in futures_util::future::join_all(waking).await {
            result.connections += 1;
            if let Some(why) = ended {
                result.closed += 1;
                *result.reasons.entry(why).or_default() += 1;
            }
        }
        result
    }

    /// Closes all connections as a browser does, and waits until they are gone.
    pub(crate) async fn close(mut self) {
        self.shared.closing.set(true);
        for number in 0..self.shared.members.len() {
            // Code 1001: going away. One that has ended, or that takes no byte, is cut off.
            let _ = self
                .shared
                .write(number, frame::CLOSE, &1001_u16.to_be_bytes());
        }
        let gone = async { while self.readers.join_next().await.is_some() {} };
        let _ = timeout(CLOSE_PATIENCE, gone).await;
    }
}

impl CrowdPlan {
    /// The name of a room.
    pub(crate) fn room(&self, room: usize) -> String {
        format!("{}{room}", self.room_prefix)
    }

    /// The connections that post: sender `i` in room `i % rooms`, spread evenly over the room and,
    /// within it, over the nodes.
    pub(crate) fn senders(&self, count: usize, nodes: usize) -> Vec<usize> {
        let mut rooms = vec![vec![]; self.rooms];
        for (number, member) in self.members(nodes).iter().enumerate() {
            if let (Some(room), false) = (member.room, member.stalled) {
                rooms[room].push(number);
            }
        }
        let sender = |i: usize| {
            let (members, slot) = (&rooms[i % self.rooms], i / self.rooms);
            let of_room = count / self.rooms + usize::from(i % self.rooms < count % self.rooms);
            let even = slot * members.len() / of_room;
            // A room's members are on the nodes in turn.
            let turn = even - even % nodes + slot % nodes;
            members
                .get(turn.min(members.len().checked_sub(1)?))
                .copied()
        };
        (0..count).filter_map(sender).collect()
    }

    fn members(&self, nodes: usize) -> Vec<Member> {
        let member = |number: usize| Member {
            // Not `number % rooms`: each room must span the nodes.
            room: (number / nodes).checked_rem(self.rooms),
            stalled: number >= self.connections - self.stalled,
            ..Member::default()
        };
        (0..self.connections).map(member).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(connections: usize, rooms: usize, stalled: usize) -> CrowdPlan {
        CrowdPlan {
            connections,
            rooms,
            room_prefix: "room-".into(),
            stalled,
            parallel: 1,
        }
    }

    #[test]
    fn senders_stand_in_turn_in_each_room_and_on_each_node() {
        for (rooms, nodes, count) in [(1, 1, 20), (10, 1, 50), (10, 2, 50), (3, 2, 7)] {
            let plan = plan(1000, rooms, 0);
            let members = plan.members(nodes);
            let senders = plan.senders(count, nodes);
            assert_eq!(senders.len(), count);
            for (i, number) in senders.iter().enumerate() {
                assert_eq!(members[*number].room, Some(i % rooms));
                assert_eq!(number % nodes, i / rooms % nodes, "node of sender {i}");
            }
            let different: std::collections::HashSet<&usize> = senders.iter().collect();
            assert_eq!(different.len(), count, "{rooms} {nodes} {count}");
        }
    }

    #[test]
    fn who_never_reads_does_not_post() {
        let plan = plan(10, 2, 6);
        assert!(plan.senders(4, 1).iter().all(|number| *number < 4));
    }

    #[test]
    fn without_rooms_nobody_is_in_one() {
        assert!(
            plan(3, 0, 0)
                .members(1)
                .iter()
                .all(|member| member.room.is_none())
        );
    }
}
