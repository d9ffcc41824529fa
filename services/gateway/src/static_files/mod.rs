//! The built web client, read into memory once at the start: a request touches no disk, and a path can lead nowhere
//! but to a file that was there.

mod asset;
mod encoding;
mod manifest;

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use bytes::Bytes;

pub(crate) use asset::StaticFile;
pub(crate) use manifest::Assets;

use self::manifest::Manifest;
use crate::{route_map::RouteMap, settings::StaticSettings};

/// The directory of hashed files in the built client, and the part of their address that says so.
pub(crate) const ASSETS: &str = "assets";

/// What is served under the static route, by path below `assets/`.
pub(crate) struct StaticFiles {
    files: HashMap<String, StaticFile>,
    elsewhere: bool,
}

impl StaticFiles {
    /// The file of this path below `assets/`.
    pub(crate) fn get(&self, path: &str) -> Option<&StaticFile> {
        self.files.get(path)
    }

    /// Do pages refer to them at another place, which has them from here?
    pub(crate) fn are_elsewhere(&self) -> bool {
        self.elsewhere
    }
}

/// Reads the built client: what pages refer to, and the files themselves.
pub(crate) fn load(
    settings: &StaticSettings,
    routes: &RouteMap,
) -> anyhow::Result<(Assets, StaticFiles)> {
    let dir = &settings.dir;
    read(settings, routes).with_context(|| {
        format!(
            "the web client cannot be read from {dir}: build it (npm ci && npm run build in services/gateway/web) \
             and let PACKTCHAT__STATIC__DIR name the directory it is built into",
            dir = dir.display()
        )
    })
}

fn read(settings: &StaticSettings, routes: &RouteMap) -> anyhow::Result<(Assets, StaticFiles)> {
    let manifest = settings.dir.join(".vite/manifest.json");
    let text = fs::read_to_string(&manifest)
        .with_context(|| format!("cannot read {}", manifest.display()))?;
    let base = base(settings, routes)?;
    let assets = Manifest::parse(&text)?.assets(&base)?;
    let files = read_files(&settings.dir.join(ASSETS))?;
    let elsewhere = settings.url.is_some();
    Ok((assets, StaticFiles { files, elsewhere }))
}

/// What the addresses of the client's files begin with, without a slash at the end.
fn base(settings: &StaticSettings, routes: &RouteMap) -> anyhow::Result<String> {
    let Some(url) = &settings.url else {
        return Ok(routes.static_files.to_string());
    };
    ensure!(
        matches!(url.scheme(), "http" | "https"),
        "PACKTCHAT__STATIC__URL is {url}; it needs to be an http or https address"
    );
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn read_files(dir: &Path) -> anyhow::Result<HashMap<String, StaticFile>> {
    let mut paths = Vec::new();
    list(dir, &mut paths).with_context(|| format!("cannot list {}", dir.display()))?;
    let mut files = HashMap::new();
    for path in paths.iter().filter(|path| !is_compressed(path)) {
        let Some(name) = path.strip_prefix(dir).ok().and_then(Path::to_str) else {
            continue;
        };
        let file = StaticFile::new(
            asset::content_type(path),
            read_bytes(path)?,
            read_if_there(path, "br")?,
            read_if_there(path, "gz")?,
        );
        files.insert(name.to_owned(), file);
    }
    Ok(files)
}

fn list(dir: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

fn is_compressed(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ext| ext == "br" || ext == "gz")
}

fn read_bytes(path: &Path) -> anyhow::Result<Bytes> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes.into())
}

fn read_if_there(path: &Path, extension: &str) -> anyhow::Result<Option<Bytes>> {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    let path = PathBuf::from(name);
    path.exists().then(|| read_bytes(&path)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> StaticSettings {
        StaticSettings {
            dir: "/nowhere/dist".into(),
            url: Some(url.parse().unwrap()),
        }
    }

    #[test]
    fn a_missing_directory_says_what_to_do() {
        let Err(error) = load(&StaticSettings::new("/nowhere/dist"), &RouteMap::default()) else {
            panic!("read a directory that is not there");
        };
        let text = format!("{error:#}");
        assert!(text.contains("npm run build"), "{text}");
        assert!(text.contains("PACKTCHAT__STATIC__DIR"), "{text}");
        assert!(text.contains("/nowhere/dist/.vite/manifest.json"), "{text}");
    }

    #[test]
    fn the_base_is_the_route_or_the_url() {
        let routes = RouteMap::default();
        let own = base(&StaticSettings::new("dist"), &routes).unwrap();
        assert_eq!(own, "/static");
        let cdn = base(&settings("https://cdn.example/packtchat/"), &routes).unwrap();
        assert_eq!(cdn, "https://cdn.example/packtchat");
        assert!(base(&settings("ftp://cdn.example"), &routes).is_err());
    }
}
