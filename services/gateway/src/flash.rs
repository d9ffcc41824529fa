use models::session::{Flash, FlashKind};

use crate::session::Visit;

/// Most messages kept for the next page; older ones give way.
const MAX_FLASHES: usize = 4;

impl Visit {
    /// Leaves a message for the next page, where it is shown once.
    pub(crate) fn flash(&mut self, kind: FlashKind, message: impl Into<String>) {
        let flashes = &mut self.change().flash;
        if flashes.len() == MAX_FLASHES {
            flashes.remove(0);
        }
        flashes.push(Flash {
            kind,
            message: message.into(),
        });
    }

    /// The messages left for this page; they are gone afterwards.
    pub(crate) fn take_flash(&mut self) -> Vec<Flash> {
        match self.session() {
            Some(session) if !session.flash.is_empty() => std::mem::take(&mut self.change().flash),
            _ => Vec::new(),
        }
    }
}
