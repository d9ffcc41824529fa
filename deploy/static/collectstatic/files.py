"""What is sent for a built web client, and with which headers."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

# As the gateway has them (services/gateway/src/static_files/asset.rs): browsers run no script of another type.
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".map": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
UNKNOWN_TYPE = "application/octet-stream"

# The suffix of a file that lies ready compressed, by the name of its coding.
SUFFIXES = {"br": ".br", "gzip": ".gz"}

# Vite's names end in a hash of the contents, so what has such a name never changes.
HASHED = re.compile(r"-[A-Za-z0-9_-]{8}\.\w+$")
FOR_EVER = "public, max-age=31536000, immutable"
ASK_EVERY_TIME = "no-cache"

# The folder of the build that pages refer to, and of the bucket that everybody may read.
ASSETS = "assets/"


class NoBuild(Exception):
    """There is no built web client where one is looked for."""


@dataclass(frozen=True)
class File:
    """One object of the bucket, as it is to be."""

    key: str
    body: bytes = field(repr=False)
    content_type: str
    cache_control: str
    content_encoding: str | None

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def collect(dist: Path, coding: str) -> list[File]:
    """The files of the client built into `dist`, each in the form that is served: compressed by `coding` where the
    build has made that, as it does where it is worth it.
    """
    if not (dist / ".vite" / "manifest.json").is_file():
        raise NoBuild(f"{dist} holds no built web client: run npm ci && npm run build in services/gateway/web")
    root = dist / ASSETS
    compressed = tuple(SUFFIXES.values())
    paths = sorted(path for path in root.rglob("*") if path.is_file() and path.suffix not in compressed)
    if not paths:
        raise NoBuild(f"{root} is empty: build the web client again")
    return [_file(ASSETS + path.relative_to(root).as_posix(), path, coding) for path in paths]


def _file(key: str, path: Path, coding: str) -> File:
    ready = path.with_name(path.name + SUFFIXES[coding])
    is_ready = ready.is_file()
    return File(
        key=key,
        body=(ready if is_ready else path).read_bytes(),
        content_type=TYPES.get(path.suffix, UNKNOWN_TYPE),
        cache_control=FOR_EVER if HASHED.search(path.name) else ASK_EVERY_TIME,
        content_encoding=coding if is_ready else None,
    )
