"""The command behind scripts/collectstatic."""

import argparse
import sys
from pathlib import Path

from . import environment, releases
from .bucket import Bucket, BucketError
from .environment import Misconfigured
from .files import ASK_EVERY_TIME, ASSETS, File, NoBuild, collect
from .releases import NotUploaded, UnreadableList


def main() -> int:
    arguments = _arguments()
    try:
        settings = environment.read(arguments.environment)
        bucket = Bucket(settings.bucket, settings.region, settings.prefix)
        if arguments.deployed:
            mark_deployed(bucket, arguments.release)
            deleted = delete_unneeded(bucket, arguments.release, settings.keep)
            print(f"release {arguments.release}: deployed, {deleted} files of earlier ones deleted")
            return 0
        files = collect(arguments.dist, settings.coding)
        print(f"release {arguments.release}: {len(files)} files for bucket {settings.bucket}", flush=True)
        sent = upload(bucket, arguments.release, files)
    except (Misconfigured, NoBuild, BucketError, NotUploaded, UnreadableList) as error:
        print(f"collectstatic: {error}.", file=sys.stderr)
        return 1
    print(f"{sent} sent, {len(files) - sent} there already")
    if not settings.url:
        print("Pages still load them from the gateways: packtchat_static_url in static.yml is empty.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/collectstatic", description=__doc__)
    parser.add_argument("environment")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--dist", type=Path)
    what.add_argument("--deployed", action="store_true")
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


def mark_deployed(bucket: Bucket, release: str) -> None:
    """Makes the release the one that was deployed last."""
    if releases.key_of(release) not in dict(bucket.listing(releases.RELEASES)):
        raise NotUploaded(
            f"the files of release {release} are not in the bucket, so its pages lack them: upload them with "
            f"scripts/collectstatic and --release {release}, from a checkout of that release"
        )
    bucket.put(File(releases.mark_of(release), b"", "text/plain; charset=utf-8", ASK_EVERY_TIME, None))


def delete_unneeded(bucket: Bucket, release: str, keep: int) -> int:
    """Deletes what is not kept, now that the release is deployed. Tells how many files those were."""
    written = dict(bucket.listing(releases.RELEASES))
    lists = [key for key in written if not key.endswith(releases.DEPLOYED)]
    known = [releases.from_list(key, bucket.get(key), written) for key in lists]
    kept = releases.kept(known, release, keep)
    present = dict(bucket.listing(ASSETS))
    unneeded = releases.unneeded(present, kept, before=written[releases.key_of(release)])
    for key in unneeded:
        print(f"  {key}  deleted: none of the last {keep} deployed releases needs it", flush=True)
    # The lists first: where there is one, all files of its release are there.
    old = [one.name for one in known if one not in kept]
    bucket.delete([key for name in old for key in (releases.key_of(name), releases.mark_of(name))])
    bucket.delete(unneeded)
    return len(unneeded)


if __name__ == "__main__":
    sys.exit(main())
