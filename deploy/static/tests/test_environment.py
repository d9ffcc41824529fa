"""What an environment's file may say."""

import tempfile
import unittest
from pathlib import Path

import yaml

from collectstatic.environment import INVENTORIES, Environment, Misconfigured, read


class Read(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.inventories = Path(scratch.name)
        (self.inventories / "prod/group_vars/all").mkdir(parents=True)

    def read(self, **changed: object) -> Environment:
        values = {"bucket": "b", "region": "eu-central-1", "prefix": "", "url": "", "coding": "br", "keep": 5}
        named = {f"packtchat_static_{key}": value for key, value in (values | changed).items()}
        (self.inventories / "prod/group_vars/all/static.yml").write_text(yaml.safe_dump(named))
        return read("prod", self.inventories)

    def test_the_committed_ones_can_be_read(self) -> None:
        for name in "prod", "staging":
            self.assertEqual(read(name).keep, 5)
        self.assertNotEqual(read("prod", INVENTORIES).bucket, read("staging", INVENTORIES).bucket)

    def test_an_inventory_of_another_place_is_read_by_its_path(self) -> None:
        self.read(bucket="of-another-place")
        self.assertEqual(read(str(self.inventories / "prod")).bucket, "of-another-place")
        with self.assertRaisesRegex(Misconfigured, f"there is no {self.inventories}/staging/group_vars/all/static.yml"):
            read(str(self.inventories / "staging"))

    def test_a_prefix_ends_in_a_slash_or_is_empty(self) -> None:
        self.assertEqual(self.read().prefix, "")
        for prefix in "chat/static", "/chat/static/":
            self.assertEqual(self.read(prefix=prefix).prefix, "chat/static/")

    def test_brotli_needs_https(self) -> None:
        with self.assertRaisesRegex(Misconfigured, "https"):
            self.read(url="http://static.example.org")
        self.assertEqual(self.read(url="http://static.example.org", coding="gzip").coding, "gzip")
        for url in "https://static.example.org", "http://localhost:9000/b":
            self.assertEqual(self.read(url=url).url, url)

    def test_what_cannot_be_is_named(self) -> None:
        for changed, said in (
            ({"bucket": ""}, "packtchat_static_bucket"),
            ({"coding": "zstd"}, "br or gzip"),
            ({"keep": 1}, "2 or more"),
            ({"keep": "many"}, "2 or more"),
            ({"url": "ftp://x"}, "http or https"),
            ({"url": "{{ something }}"}, "plain text"),
        ):
            with self.assertRaisesRegex(Misconfigured, said):
                self.read(**changed)
        with self.assertRaisesRegex(Misconfigured, "those there are: prod"):
            read("nowhere", self.inventories)


if __name__ == "__main__":
    unittest.main()
