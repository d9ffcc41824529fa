"""What `scripts/deploy` does in the bucket: files before the servers, deletion only after them."""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

from moto_server import REGION, ROOT, Moto

BUCKET = "of-a-deployment"
PROGRAMS = ("gateway", "auth", "chat-realtime", "log-worker", "cleanup-worker", "packtchat")


class Deploy(unittest.TestCase):
    def setUp(self) -> None:
        self.moto = Moto()
        self.addCleanup(self.moto.stop)
        self.s3 = self.moto.client("s3")
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.checkout = self.make_checkout()
        self.inventory = self.make_inventory()
        self.commit = self.git("rev-parse", "HEAD")[:12]
        self.build = self.make_build()

    def git(self, *command: str) -> str:
        done = subprocess.run(["git", "-C", self.checkout, *command], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def make_checkout(self) -> Path:
        """One with the scripts of this one, as they are. What it builds and keeps is its own."""
        checkout = self.scratch / "checkout"
        subprocess.run(["git", "clone", "--quiet", "--shared", ROOT, checkout], check=True)
        for part in "scripts", "ansible", "deploy/static":
            shutil.rmtree(checkout / part)
            shutil.copytree(ROOT / part, checkout / part, symlinks=True, ignore=shutil.ignore_patterns(".venv"))
        for part in "ansible", "deploy/static":
            (checkout / part / ".venv").symlink_to(ROOT / part / ".venv")
        return checkout

    def make_inventory(self) -> Path:
        inventory = self.scratch / "inventory"
        variables = inventory / "group_vars/all"
        variables.mkdir(parents=True)
        static = {
            "packtchat_static_url": "https://files.example.org",
            "packtchat_static_bucket": BUCKET,
            "packtchat_static_region": REGION,
            "packtchat_static_prefix": "",
            "packtchat_static_keep": 2,
            "packtchat_static_coding": "br",
        }
        (variables / "static.yml").write_text(yaml.safe_dump(static))
        # Hosts are tried elsewhere; secrets too.
        (variables / "vault.yml").write_text("---\n")
        (variables / "defaults.yml").symlink_to(self.checkout / "ansible/inventories/defaults.yml")
        return inventory

    def make_build(self) -> Path:
        """Programs that are packed and never run, and a client."""
        build = self.scratch / "build"
        (build / "web/.vite").mkdir(parents=True)
        (build / "web/assets").mkdir()
        (build / "web/.vite/manifest.json").write_text("{}")
        (build / "web/assets/chat-00000001.js").write_text("chat")
        for program in PROGRAMS:
            shutil.copy("/bin/true", build / program)
        with (build / "gateway").open("ab") as gateway:
            gateway.write(self.commit.encode())
        return build

    def hosts(self, *addresses: str) -> None:
        hosts = {address: {"ansible_port": 1, "ansible_ssh_common_args": "-o BatchMode=yes"} for address in addresses}
        groups = ("redis", "rabbitmq", "haproxy", "gateway", "auth", "chat_realtime", "log_worker", "cleanup_worker")
        inventory = {"all": {"hosts": hosts, "children": {group: {"hosts": dict.fromkeys(hosts)} for group in groups}}}
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump(inventory))

    def deploy(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = (self.checkout / "scripts/deploy", "deploy.yml", self.inventory, "HEAD", "--build", self.build)
        return self.moto.run(*command, *arguments, ANSIBLE_CONFIG=str(self.checkout / "ansible/ansible.cfg"))

    def keys(self) -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def test_a_release_is_deployed_when_all_servers_have_it(self) -> None:
        self.hosts()
        done = self.deploy()
        self.assertEqual(done.returncode, 0, done.stderr)
        uploaded = ["assets/chat-00000001.js", f"releases/{self.commit}.json"]
        self.assertEqual(self.keys(), [uploaded[0], f"releases/{self.commit}.deployed", uploaded[1]])

    def test_a_roll_out_that_failed_has_only_uploaded(self) -> None:
        self.hosts("127.0.0.1")  # where nobody listens at port 1
        done = self.deploy()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("UNREACHABLE", done.stdout)
        self.assertEqual(self.keys(), ["assets/chat-00000001.js", f"releases/{self.commit}.json"])

    def test_some_of_the_servers_are_not_all(self) -> None:
        self.hosts()
        done = self.deploy("--", "--limit", "all")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.keys(), ["assets/chat-00000001.js", f"releases/{self.commit}.json"])

    def test_a_check_uploads_nothing(self) -> None:
        self.hosts()
        done = self.deploy("--check")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.keys(), [])


if __name__ == "__main__":
    unittest.main()
