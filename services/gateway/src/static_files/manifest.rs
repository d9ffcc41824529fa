use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;

/// The script and styles of every page.
const SITE: &str = "src/site.ts";
/// The script and styles of the chat.
const CHAT: &str = "src/chat.tsx";
/// The picture of the brand.
const LOGO: &str = "src/assets/logo.svg";

/// Vite's list of what it built from what.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Manifest {
    chunks: BTreeMap<String, Chunk>,
}

/// A file Vite built, with what it needs.
#[derive(Deserialize)]
struct Chunk {
    file: String,
    #[serde(default)]
    css: Vec<String>,
    /// Keys of the manifest.
    #[serde(default)]
    imports: Vec<String>,
}

/// The addresses pages refer to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Assets {
    /// The picture of the brand, also the icon of the site.
    pub(crate) logo: String,
    /// What every page loads.
    pub(crate) site: Entry,
    /// What the chat loads besides.
    pub(crate) chat: Entry,
}

/// A script with what belongs to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Entry {
    /// The module to run.
    pub(crate) script: String,
    /// The modules it imports, which a browser may load before it has read the script.
    pub(crate) preloads: Vec<String>,
    /// The styles of the script and of all it imports, what is imported first.
    pub(crate) styles: Vec<String>,
}

impl Manifest {
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        serde_json::from_str(text).context("the manifest is not one that Vite wrote")
    }

    /// The addresses of the entries below `base`.
    pub(super) fn assets(&self, base: &str) -> anyhow::Result<Assets> {
        let logo = format!("{base}/{}", self.chunk(LOGO)?.file);
        let site = self.entry(SITE, base)?;
        let mut chat = self.entry(CHAT, base)?;
        // A page that loads both loads nothing twice.
        chat.styles.retain(|style| !site.styles.contains(style));
        Ok(Assets { logo, site, chat })
    }

    fn entry(&self, key: &str, base: &str) -> anyhow::Result<Entry> {
        let mut seen = Vec::new();
        self.visit(key, &mut seen, &mut Vec::new())?;
        let address = |file: &String| format!("{base}/{file}");
        let mut styles: Vec<String> = Vec::new();
        for style in seen.iter().flat_map(|chunk| &chunk.css).map(address) {
            if !styles.contains(&style) {
                styles.push(style);
            }
        }
        let script = address(&self.chunk(key)?.file);
        let preloads = seen
            .iter()
            .map(|chunk| address(&chunk.file))
            .filter(|file| *file != script)
            .collect();
        Ok(Entry {
            script,
            preloads,
            styles,
        })
    }

    /// Lists a chunk after all it imports, each once; `begun` keeps a circle of imports from going on for ever.
    fn visit<'a>(
        &'a self,
        key: &str,
        seen: &mut Vec<&'a Chunk>,
        begun: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        if begun.iter().any(|other| other == key) {
            return Ok(());
        }
        begun.push(key.to_owned());
        let chunk = self.chunk(key)?;
        for import in &chunk.imports {
            self.visit(import, seen, begun)?;
        }
        seen.push(chunk);
        Ok(())
    }

    fn chunk(&self, key: &str) -> anyhow::Result<&Chunk> {
        self.chunks
            .get(key)
            .with_context(|| format!("the manifest has no entry {key}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"{
        "_shared-1.js": { "file": "assets/shared-1.js", "css": ["assets/shared-1.css"], "imports": ["_deep-2.js"] },
        "_deep-2.js": { "file": "assets/deep-2.js", "css": ["assets/deep-2.css"], "imports": ["_shared-1.js"] },
        "src/assets/logo.svg": { "file": "assets/logo-3.svg", "src": "src/assets/logo.svg" },
        "src/chat.tsx": {
            "file": "assets/chat-4.js", "name": "chat", "src": "src/chat.tsx", "isEntry": true,
            "imports": ["_shared-1.js"], "css": ["assets/chat-4.css"], "assets": ["assets/logo-3.svg"]
        },
        "src/site.ts": {
            "file": "assets/site-5.js", "isEntry": true, "imports": ["_deep-2.js"], "css": ["assets/site-5.css"]
        }
    }"#;

    #[test]
    fn entries_bring_what_they_import_once() {
        let assets = Manifest::parse(MANIFEST)
            .unwrap()
            .assets("/static")
            .unwrap();
        let list = |names: &[&str]| -> Vec<String> {
            names
                .iter()
                .map(|name| format!("/static/assets/{name}"))
                .collect()
        };
        assert_eq!(assets.logo, "/static/assets/logo-3.svg");
        assert_eq!(assets.site.script, "/static/assets/site-5.js");
        assert_eq!(
            assets.site.styles,
            list(&["shared-1.css", "deep-2.css", "site-5.css"])
        );
        assert_eq!(assets.chat.script, "/static/assets/chat-4.js");
        assert_eq!(assets.chat.styles, list(&["chat-4.css"]));
        assert_eq!(assets.chat.preloads, list(&["deep-2.js", "shared-1.js"]));
    }

    #[test]
    fn they_may_be_elsewhere() {
        let manifest = Manifest::parse(MANIFEST).unwrap();
        let assets = manifest.assets("https://cdn.example/p").unwrap();
        assert_eq!(assets.site.script, "https://cdn.example/p/assets/site-5.js");
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = Manifest::parse("{}").unwrap().assets("").unwrap_err();
        assert!(error.to_string().contains(LOGO), "{error}");
        assert!(Manifest::parse("[]").is_err());
    }
}
