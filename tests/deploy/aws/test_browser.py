"""Pages that load their files from the bucket of `provision.yml`, filled by `scripts/collectstatic`, in Chromium."""

import json
import unittest
from typing import Any

import yaml

from bucket_server import BucketServer
from moto_server import ANSIBLE, ROOT, Moto
from packtchat_stack import PacktChat

SETTINGS = yaml.safe_load((ROOT / "ansible/inventories/prod/group_vars/all/static.yml").read_text())
BUCKET = SETTINGS["packtchat_static_bucket"]


class Browser(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.moto = Moto()
        cls.addClassCleanup(cls.moto.stop)
        cls.s3 = cls.moto.client("s3")
        cls.make_bucket()
        cls.fill_bucket()
        cls.server = BucketServer(cls.s3, BUCKET)
        cls.addClassCleanup(cls.server.stop)
        packtchat = PacktChat(cls.server.url)
        cls.addClassCleanup(packtchat.stop)
        cls.url = packtchat.url

    @classmethod
    def make_bucket(cls) -> None:
        done = cls.moto.run(
            ANSIBLE / "ansible", "localhost", "-c", "local", "-i", "ansible/inventories/prod",
            "-e", "ansible_become=false", "-e", "ansible_python_interpreter={{ansible_playbook_python}}",
            "-e", f"@{ROOT}/ansible/inventories/prod/group_vars/all/static.yml",
            "-e", f"@{ROOT}/ansible/inventories/prod/group_vars/all/aws.yml",
            "-m", "ansible.builtin.include_role", "-a", "name=aws tasks_from=bucket",
            ANSIBLE_ROLES_PATH=str(ROOT / "ansible/roles"),
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)

    @classmethod
    def fill_bucket(cls) -> None:
        dist = ROOT / "services/gateway/web/dist"
        done = cls.moto.run("scripts/collectstatic", "prod", "--dist", dist, "--release", "r1")
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)

    def browse(self) -> dict[str, Any]:
        done = self.moto.run("node", "tests/deploy/aws/browse.mjs", self.url)
        self.assertEqual(done.returncode, 0, done.stderr)
        seen: dict[str, Any] = json.loads(done.stdout)
        return seen

    def test_the_chat_runs_with_its_files_from_the_bucket(self) -> None:
        seen = self.browse()
        self.assertEqual(seen["complaints"], [])
        self.assertTrue(seen["runs"])
        files = {address: status for address, status in seen["loaded"] if "/assets/" in address}
        self.assertEqual({address for address in files if not address.startswith(self.server.url)}, set())
        self.assertEqual(set(files.values()), {200})
        kinds = {address.rpartition(".")[2] for address in files}
        self.assertLessEqual({"js", "css", "svg"}, kinds)

    def test_without_the_rule_for_other_sites_it_does_not(self) -> None:
        [rule] = self.s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
        self.s3.delete_bucket_cors(Bucket=BUCKET)
        try:
            seen = self.browse()
        finally:
            self.s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})
        self.assertFalse(seen["runs"])
        self.assertTrue(any("CORS policy" in complaint for complaint in seen["complaints"]), seen["complaints"])


if __name__ == "__main__":
    unittest.main()
