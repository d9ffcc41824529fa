"""Which releases are kept, and which files with them.

The bucket holds a list of its files for every release. While servers are replaced one after the other, pages of the old
release are still shown and its files still asked for, and somebody may leave a page open for a day: so the files of the
last few releases stay.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

RELEASES = "releases/"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class UnreadableList(Exception):
    """A list in the bucket is not one of ours, so nobody knows what that release needs."""


@dataclass(frozen=True)
class Release:
    """A release whose files are in the bucket."""

    name: str
    uploaded: datetime
    files: frozenset[str]


def key_of(name: str) -> str:
    """Where the list of a release is."""
    return f"{RELEASES}{name}.json"


def to_list(name: str, files: Iterable[str]) -> bytes:
    """The list of a release."""
    return json.dumps({"release": name, "files": sorted(files)}, indent=2).encode() + b"\n"


def from_list(key: str, text: bytes, uploaded: datetime) -> Release:
    """The release whose list this is."""
    try:
        content = json.loads(text)
        name, files = content["release"], content["files"]
        if key != key_of(name) or not all(isinstance(file, str) for file in files):
            raise ValueError
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableList(
            f"{key} in the bucket is no list of a release, so nothing is deleted: delete it by hand, "
            "or put back what it was, then upload again"
        ) from error
    return Release(name, uploaded, frozenset(files))


def by_age(releases: Iterable[Release], current: str) -> list[Release]:
    """The newest first. The current one is that, also where it was uploaded in the same second as another."""
    return sorted(releases, key=lambda one: (one.name == current, one.uploaded, one.name), reverse=True)


def unneeded(present: Iterable[str], kept: Iterable[Release]) -> list[str]:
    """The files that are there and that none of these releases needs."""
    needed = frozenset[str]().union(*(release.files for release in kept))
    return sorted(set(present) - needed)
