//! One clean-up: everything there is, room by room, with pauses in which Redis serves others.

use std::time::{Duration, Instant};

use messaging::{Retention, Unavailable};
use models::now_ms;
use tokio::time::sleep;

use crate::settings::Keep;

/// The pause after about a hundred rooms or users.
const PAUSE: Duration = Duration::from_millis(20);
const USERS_BATCH: usize = 100;

/// What a clean-up removed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Removed {
    /// Rooms.
    pub rooms: u64,
    /// Messages, those of removed rooms included.
    pub chats: u64,
    /// Users who have not been active; their accounts stay.
    pub users: u64,
    /// Users shown in a room by a node that has died.
    pub presences: u64,
}

/// Removes what is older than `keep`, and what dead nodes have left behind in any case. Logs what it was.
///
/// May be stopped, or done by two processes, at any moment: each step is atomic, and the next clean-up goes on.
///
/// # Errors
/// When Redis does not answer.
pub async fn clean(retention: &Retention, keep: Keep) -> Result<Removed, Unavailable> {
    let began = Instant::now();
    let old = match keep {
        Keep::For(time) => {
            Some(now_ms().saturating_sub(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
        }
        Keep::Forever => None,
    };
    let mut removed = Removed::default();
    clean_rooms(retention, old, &mut removed).await?;
    if let Some(old) = old {
        forget_users(retention, old, &mut removed).await?;
    }
    tracing::info!(
        rooms = removed.rooms,
        chats = removed.chats,
        users = removed.users,
        presences = removed.presences,
        ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "cleaned up"
    );
    Ok(removed)
}

async fn clean_rooms(
    retention: &Retention,
    old: Option<u64>,
    removed: &mut Removed,
) -> Result<(), Unavailable> {
    let mut cursor = 0;
    loop {
        let page = retention.rooms(cursor).await?;
        for room in &page.rooms {
            removed.presences += retention.remove_lost_presence(&room.name).await?;
            if let Some(old) = old {
                let remains = retention.remove_old_of_room(room, old).await?;
                removed.rooms += u64::from(remains.removed);
                removed.chats += remains.messages;
            }
        }
        if page.next == 0 {
            return Ok(());
        }
        cursor = page.next;
        sleep(PAUSE).await;
    }
}

async fn forget_users(
    retention: &Retention,
    old: u64,
    removed: &mut Removed,
) -> Result<(), Unavailable> {
    loop {
        match retention.forget_users(old, USERS_BATCH).await? {
            0 => return Ok(()),
            users => removed.users += users,
        }
        sleep(PAUSE).await;
    }
}
