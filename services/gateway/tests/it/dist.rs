//! A small built web client.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) const SCRIPT: &str = "export const site = 1;";
pub(crate) const SCRIPT_BROTLI: &[u8] = b"the script in brotli";
pub(crate) const SCRIPT_GZIP: &[u8] = b"the script in gzip";

const MANIFEST: &str = r#"{
    "_shared-1.js": { "file": "assets/shared-1.js", "css": ["assets/shared-1.css"] },
    "src/assets/logo.svg": { "file": "assets/logo-1.svg", "src": "src/assets/logo.svg" },
    "src/chat.tsx": { "file": "assets/chat-1.js", "isEntry": true, "imports": ["_shared-1.js"] },
    "src/site.ts": { "file": "assets/site-1.js", "isEntry": true, "css": ["assets/site-1.css"] }
}"#;

/// Writes it below this directory and tells where.
pub(crate) fn write(below: &Path) -> PathBuf {
    let dist = below.join("dist");
    fs::create_dir_all(dist.join(".vite")).unwrap();
    fs::create_dir_all(dist.join("assets")).unwrap();
    let files: [(&str, &[u8]); 9] = [
        (".vite/manifest.json", MANIFEST.as_bytes()),
        ("assets/site-1.js", SCRIPT.as_bytes()),
        ("assets/site-1.js.br", SCRIPT_BROTLI),
        ("assets/site-1.js.gz", SCRIPT_GZIP),
        ("assets/site-1.css", b".card { color: green }"),
        ("assets/shared-1.js", b"export {};"),
        ("assets/shared-1.css", b".chat { color: blue }"),
        ("assets/chat-1.js", b"import './shared-1.js';"),
        (
            "assets/logo-1.svg",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        ),
    ];
    for (name, contents) in files {
        fs::write(dist.join(name), contents).unwrap();
    }
    dist
}
