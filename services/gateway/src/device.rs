//! What somebody signs in with, in words for its owner: "Firefox on Linux".
//!
//! It is a hint for people, never a proof: browsers send what they like. The answer is made of the words below alone,
//! whatever was sent.

/// How browsers name themselves in `User-Agent`. Most claim to be others too, so the first that is found counts.
const BROWSERS: [(&str, &str); 12] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("curl/", "curl"),
];

/// How they name what they run on; again the first one counts.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
    ("FreeBSD", "FreeBSD"),
];

/// Longest `User-Agent` that is looked at, in bytes; real ones are a third of it.
const MAX_BYTES: usize = 512;

/// The device of this `User-Agent`; empty where nothing of it is known.
pub(crate) fn of(user_agent: &[u8]) -> String {
    let text = String::from_utf8_lossy(&user_agent[..user_agent.len().min(MAX_BYTES)]);
    match (find(&BROWSERS, &text), find(&SYSTEMS, &text)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => String::new(),
    }
}

fn find(words: &[(&str, &'static str)], text: &str) -> Option<&'static str> {
    let found = words.iter().find(|(word, _)| text.contains(word));
    found.map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_from_those_they_claim_to_be() {
        for (user_agent, device) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/139.0 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; SM-S931B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            ("curl/8.14.1", "curl"),
            ("Lynx (Linux)", "A browser on Linux"),
        ] {
            assert_eq!(of(user_agent.as_bytes()), device, "{user_agent}");
        }
    }

    #[test]
    fn nothing_of_what_strangers_write_is_kept() {
        assert_eq!(of(b""), "");
        assert_eq!(of(b"<script>alert(1)</script>"), "");
        assert_eq!(of(&[0xff; 4_000]), "");
        let late = format!("{}Firefox/141.0", "x".repeat(MAX_BYTES));
        assert_eq!(of(late.as_bytes()), "");
        assert_eq!(of(b"<b>Firefox/1 on Linux\xff"), "Firefox on Linux");
    }
}
