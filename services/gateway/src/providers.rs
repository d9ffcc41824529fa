use std::{sync::Arc, time::Duration};

use models::account::Provider;
use tokio::{sync::watch, time::sleep};

use crate::accounts::Accounts;

/// How often the list is asked for again: a provider that `auth` is started with appears within this time.
const REFRESH: Duration = Duration::from_secs(30);

/// How soon it is asked for again as long as it is not known; each time it fails, twice as late.
const FIRST_RETRY: Duration = Duration::from_millis(250);

/// The identity providers one may sign in with, as `auth` told last; none until it has. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Providers(watch::Receiver<Option<Known>>);

type Known = Arc<[ProviderButton]>;

/// A provider, as its button shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ProviderButton {
    /// Its name in addresses.
    pub(crate) name: String,
    /// Its name for people.
    pub(crate) label: String,
    /// The colour of the button, `#rrggbb`.
    pub(crate) colour: String,
    /// Whether black can be read on that better than white.
    pub(crate) dark_text: bool,
}

impl Providers {
    /// Asks in the background for as long as a clone is there.
    pub(crate) fn ask(accounts: Accounts) -> Self {
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(keep_asking(accounts, sender));
        Self(receiver)
    }

    /// All of them, in the order of their names.
    pub(crate) fn known(&self) -> Known {
        self.0.borrow().clone().unwrap_or_default()
    }

    /// The provider's name for people; the one in addresses where it is not known.
    pub(crate) fn label(&self, name: &str) -> String {
        let known = self.known();
        let found = known.iter().find(|provider| provider.name == name);
        found.map_or(name, |provider| &provider.label).to_owned()
    }
}

async fn keep_asking(accounts: Accounts, sender: watch::Sender<Option<Known>>) {
    let mut retry = FIRST_RETRY;
    loop {
        let pause = match accounts.providers().await {
            Ok(providers) => {
                let buttons = providers.into_iter().map(ProviderButton::from).collect();
                sender.send_replace(Some(buttons));
                REFRESH
            }
            Err(_) if sender.borrow().is_some() => REFRESH,
            Err(_) => {
                let pause = retry;
                retry = (retry * 2).min(REFRESH);
                pause
            }
        };
        tokio::select! {
            () = sender.closed() => return,
            () = sleep(pause) => {}
        }
    }
}

impl From<Provider> for ProviderButton {
    fn from(provider: Provider) -> Self {
        Self {
            dark_text: is_light(&provider.colour),
            name: provider.name,
            label: provider.label,
            colour: provider.colour,
        }
    }
}

/// Has black more contrast to this colour than white has? The better of the two can be read on any colour.
fn is_light(colour: &str) -> bool {
    // Where both have the same contrast: (1 + 0.05) / (L + 0.05) = (L + 0.05) / (0 + 0.05).
    luminance(colour) > 0.179
}

/// The relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.2).
fn luminance(colour: &str) -> f64 {
    let digits = colour.strip_prefix('#').unwrap_or(colour);
    let rgb = u32::from_str_radix(digits, 16).unwrap_or(0);
    let light = |shift: u32| {
        let channel = f64::from((rgb >> shift) & 0xff) / 255.0;
        if channel <= 0.04045 {
            channel / 12.92
        } else {
            ((channel + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * light(16) + 0.7152 * light(8) + 0.0722 * light(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_dark_on_light_colours_alone() {
        for light in ["#ffffff", "#ffcc00", "#fc6d26", "#00ff00", "#808080"] {
            assert!(is_light(light), "{light}");
        }
        for dark in ["#000000", "#1a66d2", "#1464d8", "#0000ff", "#b00020"] {
            assert!(!is_light(dark), "{dark}");
        }
    }

    #[test]
    fn text_can_be_read_on_any_colour() {
        for step in 0..=0xffff {
            let colour = format!("#{:06x}", step * 0x101);
            let light = luminance(&colour);
            let contrast = if is_light(&colour) {
                (light + 0.05) / 0.05
            } else {
                1.05 / (light + 0.05)
            };
            assert!(contrast >= 4.5, "{contrast} on {colour}");
        }
    }
}
