"""The command behind scripts/collectstatic."""

import argparse
import sys
from pathlib import Path

from . import environment, releases
from .bucket import Bucket, BucketError
from .environment import Misconfigured
from .files import ASK_EVERY_TIME, ASSETS, File, NoBuild, collect
from .releases import UnreadableList


def main() -> int:
    arguments = _arguments()
    try:
        settings = environment.read(arguments.environment)
        files = collect(arguments.dist, settings.coding)
        bucket = Bucket(settings.bucket, settings.region, settings.prefix)
        print(f"release {arguments.release}: {len(files)} files for bucket {settings.bucket}", flush=True)
        sent = upload(bucket, arguments.release, files)
        deleted = delete_unneeded(bucket, arguments.release, settings.keep)
    except (Misconfigured, NoBuild, BucketError, UnreadableList) as error:
        print(f"collectstatic: {error}.", file=sys.stderr)
        return 1
    print(f"{sent} sent, {len(files) - sent} there already, {deleted} deleted")
    if not settings.url:
        print("Pages still load them from the gateways: packtchat_static_url in static.yml is empty.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/collectstatic", description=__doc__)
    parser.add_argument("environment")
    parser.add_argument("--dist", type=Path, required=True)
    parser.add_argument("--release", required=True)
    arguments = parser.parse_args()
    if not releases.NAME.fullmatch(arguments.release):
        parser.error(f"--release is {arguments.release!r}; a release is named by letters, digits and . _ -")
    return arguments


def upload(bucket: Bucket, release: str, files: list[File]) -> int:
    """Sends the files that are not there yet, then the list of the release. Tells how many files were sent."""
    sent = 0
    for file in files:
        if bucket.has(file):
            continue
        print(f"  {file.key}  {len(file.body)} bytes, {file.content_encoding or 'not compressed'}", flush=True)
        bucket.put(file)
        sent += 1
    _record(bucket, release, files)
    return sent


def _record(bucket: Bucket, release: str, files: list[File]) -> None:
    """Makes the release the newest one, once all it needs is there."""
    content = releases.to_list(release, (file.key for file in files))
    listed = File(releases.key_of(release), content, "application/json", ASK_EVERY_TIME, None)
    written = dict(bucket.listing(releases.RELEASES))
    own = written.get(listed.key)
    # An earlier release that is deployed again is the newest one again.
    if own is None or own < max(written.values()) or not bucket.has(listed):
        bucket.put(listed)


def delete_unneeded(bucket: Bucket, release: str, keep: int) -> int:
    """Deletes what none of the last `keep` releases needs. Tells how many files those were."""
    known = [releases.from_list(key, bucket.get(key), when) for key, when in bucket.listing(releases.RELEASES)]
    ordered = releases.by_age(known, release)
    unneeded = releases.unneeded((key for key, _ in bucket.listing(ASSETS)), ordered[:keep])
    for key in unneeded:
        print(f"  {key}  deleted: none of the last {keep} releases needs it", flush=True)
    # The files first: a release without a list would leave its files behind for good.
    bucket.delete(unneeded)
    bucket.delete([releases.key_of(old.name) for old in ordered[keep:]])
    return len(unneeded)


if __name__ == "__main__":
    sys.exit(main())
