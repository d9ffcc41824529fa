use std::fmt;

/// Longest [`LocalPath`], in bytes.
const MAX_BYTES: usize = 512;

/// A place on this site to go to next, such as `/chat#room/lobby`.
///
/// Whatever this holds, a browser that follows it stays on this site: an address of another site is not a
/// `LocalPath`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LocalPath(String);

impl LocalPath {
    /// Parses what came with a request; `None` for anything but a path of this site.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // Browsers drop tabs and line feeds from an address and read `\` as `/`, so that `/<tab>/host` and `/\host`
        // are another site's. Visible ASCII is also what may stand in a header.
        let harmless = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
        let local = text.starts_with('/')
            && !text.starts_with("//")
            && text.len() <= MAX_BYTES
            && text.bytes().all(harmless);
        local.then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_this_site_are_taken() {
        for path in [
            "/",
            "/chat",
            "/chat?x=1&y=%20",
            "/chat#room/lobby",
            "/a//b",
            "/@evil.example",
        ] {
            assert_eq!(
                LocalPath::parse(path).unwrap().as_str(),
                path,
                "{path} is of this site"
            );
        }
    }

    #[test]
    fn anything_that_leads_elsewhere_is_refused() {
        for elsewhere in [
            "",
            "chat",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/a\\b",
            "http://evil.example/",
            "https:evil.example",
            "javascript:alert(1)",
            " /chat",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nLocation: http://evil.example",
            "/a b",
            "/\u{0}",
            "/ü",
            "/\u{2028}",
            "/／evil.example",
        ] {
            assert_eq!(LocalPath::parse(elsewhere), None, "{elsewhere:?}");
        }
    }

    #[test]
    fn every_local_path_stays_on_the_site_for_a_url_parser() {
        let base = url::Url::parse("https://chat.example/account/login").unwrap();
        for path in [
            "/",
            "/.//evil.example",
            "/..//evil.example",
            "/%2f/evil",
            "/:80",
            "/?//x",
        ] {
            let path = LocalPath::parse(path).unwrap();
            let target = base.join(path.as_str()).unwrap();
            assert_eq!(target.host_str(), Some("chat.example"), "{path}");
        }
    }

    #[test]
    fn length_is_bounded() {
        assert!(LocalPath::parse(&format!("/{}", "a".repeat(511))).is_some());
        assert_eq!(LocalPath::parse(&format!("/{}", "a".repeat(512))), None);
    }
}
