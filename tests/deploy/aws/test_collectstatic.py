"""`scripts/collectstatic` against a bucket."""

import gzip
import re
import tempfile
import unittest
from pathlib import Path
from typing import Any

import yaml

from moto_server import REGION, ROOT, Moto

SETTINGS = yaml.safe_load((ROOT / "ansible/inventories/prod/group_vars/all/static.yml").read_text())
BUCKET = SETTINGS["packtchat_static_bucket"]
KEEP = SETTINGS["packtchat_static_keep"]
FOR_EVER = "public, max-age=31536000, immutable"


class CollectStatic(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.moto = Moto()
        cls.addClassCleanup(cls.moto.stop)

    def setUp(self) -> None:
        self.moto.reset()
        self.s3 = self.moto.client("s3")
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.dist = Path(scratch.name)
        (self.dist / ".vite").mkdir()
        (self.dist / ".vite/manifest.json").write_text("{}")
        (self.dist / "assets").mkdir()
        self.build("chat-00000001.js", "site-00000001.css")
        self.write("logo-00000001.svg", b"<svg/>")

    def write(self, name: str, body: bytes) -> None:
        (self.dist / "assets" / name).write_bytes(body)

    def build(self, *names: str) -> None:
        """Adds files with compressed forms."""
        for name in names:
            self.write(name, name.encode())
            self.write(f"{name}.br", b"br of " + name.encode())
            self.write(f"{name}.gz", gzip.compress(name.encode()))

    def remove(self, name: str) -> None:
        for path in (self.dist / "assets").glob(f"{name}*"):
            path.unlink()

    def collect(self, release: str) -> str:
        """Uploads, and gives what was said last."""
        done = self.attempt(release)
        self.assertEqual(done.returncode, 0, done.stderr)
        return next(line for line in reversed(done.stdout.splitlines()) if " sent, " in line)

    def attempt(self, release: str) -> Any:
        return self.moto.run("scripts/collectstatic", "prod", "--dist", self.dist, "--release", release)

    def deployed(self, release: str) -> int:
        """Notes that a release is deployed. Tells how many files that deleted."""
        done = self.moto.run("scripts/collectstatic", "prod", "--deployed", "--release", release)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = re.search(rf"release {release}: deployed, (\d+) files of earlier ones deleted", done.stdout)
        assert found is not None, done.stdout
        return int(found[1])

    def collect_with_own(self, release: str) -> None:
        """Uploads a release with a file that only it has."""
        self.build(f"only-of-{release}.js")
        self.collect(release)
        self.remove(f"only-of-{release}.js")

    def keys(self) -> list[str]:
        return [one["Key"] for one in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def test_files_have_their_types_coding_and_caching(self) -> None:
        self.assertEqual(self.collect("r1"), "3 sent, 0 there already")
        headers = {}
        for key in self.keys():
            head = self.s3.head_object(Bucket=BUCKET, Key=key)
            headers[key] = (head["ContentType"], head.get("ContentEncoding"), head["CacheControl"])
        self.assertEqual(
            headers,
            {
                "assets/chat-00000001.js": ("text/javascript; charset=utf-8", "br", FOR_EVER),
                "assets/site-00000001.css": ("text/css; charset=utf-8", "br", FOR_EVER),
                "assets/logo-00000001.svg": ("image/svg+xml", None, FOR_EVER),
                "releases/r1.json": ("application/json", None, "no-cache"),
            },
        )
        body = self.s3.get_object(Bucket=BUCKET, Key="assets/chat-00000001.js")["Body"].read()
        self.assertEqual(body, b"br of chat-00000001.js")

    def test_a_second_upload_sends_nothing(self) -> None:
        self.collect("r1")
        versions = self.record_writes()
        self.assertEqual(self.collect("r1"), "0 sent, 3 there already")
        self.assertEqual(self.record_writes(), versions)

    def record_writes(self) -> list[tuple[str, str]]:
        """Every write there was: the bucket has versions from here on."""
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        listed = self.s3.list_object_versions(Bucket=BUCKET)
        return sorted((one["Key"], one["VersionId"]) for one in listed.get("Versions", []))

    def test_the_next_release_sends_what_changed(self) -> None:
        self.collect("r1")
        self.remove("chat-00000001.js")
        self.build("chat-00000002.js")
        self.assertEqual(self.collect("r2"), "1 sent, 2 there already")
        self.assertIn("assets/chat-00000001.js", self.keys(), "pages of the last release still ask for it")

    def test_what_has_other_headers_or_contents_is_sent_again(self) -> None:
        self.collect("r1")
        for key, changed in (
            ("assets/chat-00000001.js", {"CacheControl": "no-cache"}),
            ("assets/logo-00000001.svg", {"ContentType": "text/plain"}),
            ("assets/site-00000001.css", {"Metadata": {"sha256": "0" * 64}}),
        ):
            head = self.s3.head_object(Bucket=BUCKET, Key=key)
            kept = ("ContentType", "ContentEncoding", "CacheControl", "Metadata")
            self.s3.put_object(
                Bucket=BUCKET, Key=key, Body=b"", **{name: head[name] for name in kept if name in head} | changed
            )
        self.assertEqual(self.collect("r1"), "3 sent, 0 there already")
        self.assertEqual(self.collect("r1"), "0 sent, 3 there already")

    def test_what_none_of_the_last_deployed_releases_needs_is_deleted(self) -> None:
        for number in range(1, KEEP + 1):
            self.collect_with_own(f"r{number}")
            self.assertEqual(self.deployed(f"r{number}"), 0)
        self.assertEqual(self.collect("next"), "0 sent, 3 there already")
        self.assertIn("assets/only-of-r1.js", self.keys(), "the next release is only uploaded")
        self.assertEqual(self.deployed("next"), 1)
        keys = self.keys()
        for gone in "assets/only-of-r1.js", "releases/r1.json", "releases/r1.deployed":
            self.assertNotIn(gone, keys)
        self.assertIn("assets/only-of-r2.js", keys)
        self.assertIn("releases/r2.json", keys)
        self.assertIn("assets/chat-00000001.js", keys, "every release needs it")

    def test_deployments_that_fail_leave_the_files_of_the_release_in_use(self) -> None:
        for number in range(KEEP):
            self.collect_with_own(f"before-{number}")
            self.deployed(f"before-{number}")
        self.collect_with_own("live")
        self.deployed("live")
        for number in range(KEEP):
            self.collect_with_own(f"failed-{number}")
            self.assertIn("assets/only-of-live.js", self.keys())
        self.collect_with_own("next")
        self.assertEqual(self.deployed("next"), 1)
        keys = self.keys()
        self.assertNotIn("assets/only-of-before-1.js", keys)
        self.assertIn("assets/only-of-live.js", keys, "its pages are still open")
        self.assertIn("assets/only-of-failed-0.js", keys, "a node may have got it before it failed")

    def test_a_release_that_was_not_uploaded_cannot_be_deployed(self) -> None:
        self.collect("r1")
        done = self.moto.run("scripts/collectstatic", "prod", "--deployed", "--release", "r2")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the files of release r2 are not in the bucket", done.stderr)
        self.assertNotIn("releases/r2.deployed", self.keys())

    def test_an_inventory_of_another_place_has_its_own_bucket(self) -> None:
        self.s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": REGION})
        # Of the same name as one of the repository's.
        inventory = self.dist / "prod"
        (inventory / "group_vars/all").mkdir(parents=True)
        changed = SETTINGS | {"packtchat_static_bucket": "elsewhere"}
        (inventory / "group_vars/all/static.yml").write_text(yaml.safe_dump(changed))
        done = self.moto.run("scripts/collectstatic", inventory, "--dist", self.dist, "--release", "r1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.keys(), [])
        self.assertEqual(self.s3.list_objects_v2(Bucket="elsewhere")["KeyCount"], 4)

    def test_what_is_not_ours_stays(self) -> None:
        self.s3.put_object(Bucket=BUCKET, Key="backups/accounts.sql", Body=b"")
        self.collect("r1")
        self.assertIn("backups/accounts.sql", self.keys())

    def test_a_list_that_cannot_be_read_stops_before_anything_is_deleted(self) -> None:
        for number in range(KEEP):
            self.collect_with_own(f"r{number}")
            self.deployed(f"r{number}")
        self.collect("next")
        self.s3.put_object(Bucket=BUCKET, Key="releases/strange.json", Body=b"{}")
        done = self.moto.run("scripts/collectstatic", "prod", "--deployed", "--release", "next")
        self.assertEqual(done.returncode, 1)
        self.assertIn("releases/strange.json in the bucket is no list of a release", done.stderr)
        self.assertIn("assets/only-of-r0.js", self.keys())

        self.s3.delete_object(Bucket=BUCKET, Key="releases/strange.json")
        self.assertEqual(self.deployed("next"), 1)

    def test_without_a_bucket_it_says_what_makes_one(self) -> None:
        self.moto.reset()
        done = self.attempt("r2")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"there is no bucket {BUCKET}: ansible/provision.yml makes it", done.stderr)

    def test_without_credentials_it_says_where_they_are_looked_for(self) -> None:
        done = self.moto.run(
            "env", "-u", "AWS_ACCESS_KEY_ID", "-u", "AWS_SECRET_ACCESS_KEY",
            "scripts/collectstatic", "prod", "--dist", self.dist, "--release", "r1",
        )  # fmt: skip
        self.assertEqual(done.returncode, 1)
        self.assertIn("there are no AWS credentials: set AWS_PROFILE", done.stderr)


if __name__ == "__main__":
    unittest.main()
