"""Which releases are kept, and which files with them.

The bucket holds a list of its files for every release, and a mark for each that was rolled out to the end. While
servers are replaced one after the other, pages of the old release are still shown and its files still asked for, and
somebody may leave a page open for a day: so the files of the last few releases that were deployed stay. What was only
uploaded does not count among them, or a few deployments that fail would take away the files of the release that
everybody uses.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

RELEASES = "releases/"
DEPLOYED = ".deployed"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class UnreadableList(Exception):
    """A list in the bucket is not one of ours, so nobody knows what that release needs."""


class NotUploaded(Exception):
    """A release that is said to be deployed has no list in the bucket."""


@dataclass(frozen=True)
class Release:
    """A release whose files are in the bucket."""

    name: str
    uploaded: datetime
    deployed: datetime | None
    files: frozenset[str]

    @property
    def waits(self) -> bool:
        """Was it uploaded and not deployed since? Then it is being rolled out, or that failed, maybe half-way."""
        return self.deployed is None or self.deployed < self.uploaded


def key_of(name: str) -> str:
    """Where the list of a release is."""
    return f"{RELEASES}{name}.json"


def mark_of(name: str) -> str:
    """Where the mark is that a release was deployed; when it was written is when that was."""
    return f"{RELEASES}{name}{DEPLOYED}"


def to_list(name: str, files: Iterable[str]) -> bytes:
    """The list of a release."""
    return json.dumps({"release": name, "files": sorted(files)}, indent=2).encode() + b"\n"


def from_list(key: str, text: bytes, written: Mapping[str, datetime]) -> Release:
    """The release whose list this is; `written` tells of each list and mark when that was."""
    try:
        content = json.loads(text)
        name, files = content["release"], content["files"]
        if key != key_of(name) or not all(isinstance(file, str) for file in files):
            raise ValueError
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableList(
            f"{key} in the bucket is no list of a release, so nothing is deleted: delete it by hand, "
            "or put back what it was, then run this again"
        ) from error
    return Release(name, written[key], written.get(mark_of(name)), frozenset(files))


def kept(releases: Iterable[Release], current: str, keep: int) -> list[Release]:
    """The last `keep` that were deployed, and what waits and is not older than those; all, while fewer were deployed.

    The current one is the last, also where another was marked in the same second.
    """
    known = list(releases)
    ages = [(one.name == current, one.deployed, one.name, one) for one in known if one.deployed is not None]
    deployed = [one for *_, one in sorted(ages, key=lambda age: age[:3], reverse=True)[:keep]]
    if len(deployed) < keep:
        return known
    oldest = min(one.uploaded for one in deployed)
    return [one for one in known if one in deployed or (one.waits and one.uploaded >= oldest)]


def unneeded(present: Mapping[str, datetime], kept: Iterable[Release], before: datetime) -> list[str]:
    """The files that are there, were so `before`, and that none of these releases needs.

    A later one may be of an upload under way, whose list is written last.
    """
    needed = frozenset[str]().union(*(release.files for release in kept))
    return sorted(key for key, when in present.items() if key not in needed and when < before)
