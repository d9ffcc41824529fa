"""`ansible/provision.yml` against AWS as far as moto plays it.

Where moto is not AWS: it says of an address's tags that they are those of a "vpc-elastic-ip" (EC2: "elastic-ip"), so
that the module writes them again each time; machines run at once and have no operating system; policies are kept and
not obeyed.
"""

import json
import re
import subprocess
import unittest
from typing import Any

import yaml

from moto_server import ANSIBLE, ROOT, Moto

SETTINGS = yaml.safe_load((ROOT / "ansible/inventories/prod/group_vars/all/static.yml").read_text())
BUCKET = SETTINGS["packtchat_static_bucket"]
IMAGE_OWNER = "123456789012"
# Written again each time, for the reason above.
ADDRESSES = "Lasting addresses of HAProxy"


def size(name: str) -> list[dict[str, Any]]:
    instances: list[dict[str, Any]] = yaml.safe_load((ROOT / f"ansible/sizes/{name}.yml").read_text())["aws_instances"]
    return instances


def changed(output: str) -> list[str]:
    """The tasks that changed something."""
    tasks = re.split(r"^TASK \[aws : (.*)\] \*+$", output, flags=re.MULTILINE)[1:]
    pairs = zip(tasks[::2], tasks[1::2], strict=True)
    return [name for name, said in pairs if re.search(r"^changed:", said, re.MULTILINE)]


class Provision(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.moto = Moto()
        cls.addClassCleanup(cls.moto.stop)
        cls.ec2 = cls.moto.client("ec2")

    def setUp(self) -> None:
        self.moto.reset()
        self.ec2.create_key_pair(KeyName="packtchat")
        source = self.ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        for name in "debian-12-amd64-20260101-1", "debian-12-arm64-20260102-1":
            self.ec2.copy_image(Name=name, SourceImageId=source, SourceRegion="eu-central-1")

    def attempt(self, *more: str) -> subprocess.CompletedProcess[str]:
        return self.moto.run(
            ANSIBLE / "ansible-playbook", "-i", "ansible/inventories/prod", "-e", f"aws_image_owner={IMAGE_OWNER}",
            *more, "ansible/provision.yml",
        )  # fmt: skip

    def provision(self, name: str) -> list[str]:
        done = self.attempt("-e", f"@ansible/sizes/{name}.yml")
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr)
        return changed(done.stdout)

    def instances(self) -> dict[str, dict[str, Any]]:
        reservations = self.ec2.describe_instances()["Reservations"]
        found = [one for reservation in reservations for one in reservation["Instances"]]
        return {self.tags(one)["Name"]: one for one in found}

    def tags(self, resource: dict[str, Any]) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in resource["Tags"]}

    def test_one_machine_and_all_it_needs_then_three(self) -> None:
        self.assertEqual(len(self.provision("one")), 6)
        [instance] = self.instances().values()
        [described] = size("one")
        self.assertEqual(
            self.tags(instance),
            {"Name": "chat-1", "Deploy": "packtchat", "Env": "prod", "Role": ",".join(described["roles"])},
        )
        self.assertEqual(instance["InstanceType"], described["type"])
        self.assertEqual(instance["MetadataOptions"]["HttpTokens"], "required")
        [image] = self.ec2.describe_images(ImageIds=[instance["ImageId"]])["Images"]
        self.assertEqual(image["Name"], "debian-12-amd64-20260101-1")
        [address] = self.ec2.describe_addresses()["Addresses"]
        self.assertEqual(address["InstanceId"], instance["InstanceId"])
        self.check_firewall(instance)
        self.check_bucket()
        self.check_inventory(described["roles"])

        self.assertEqual(self.provision("one"), [ADDRESSES])
        self.assertEqual(len(self.ec2.describe_addresses()["Addresses"]), 1)
        self.assertEqual(len(self.instances()), 1)

        self.assertEqual(self.provision("three"), ["Machines", ADDRESSES])
        self.check_growth(instance["InstanceId"])

    def test_no_machine_is_stopped_that_is_not_named(self) -> None:
        self.provision("one")
        larger = json.dumps({"aws_instances": [size("one")[0] | {"type": "t3.large"}]})
        refused = self.attempt("-e", larger)
        self.assertNotEqual(refused.returncode, 0)
        said = re.sub(r"\s+", " ", refused.stdout + refused.stderr)
        self.assertIn("chat-1 is a t3.medium, not a t3.large", said)
        self.assertEqual(self.instances()["chat-1"]["InstanceType"], "t3.medium")

        done = self.attempt("-e", larger, "-e", "aws_resize=chat-1")
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr)
        self.assertEqual(self.instances()["chat-1"]["InstanceType"], "t3.large")

    def test_who_reads_statistics_reaches_haproxy(self) -> None:
        one, monitoring = "@ansible/sizes/one.yml", '{"packtchat_monitoring_from": ["192.0.2.7/32"]}'
        self.assertEqual(self.attempt("-e", one, "-e", monitoring).returncode, 0)
        rules = self.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["packtchat-prod-web"]}])
        opened = {
            (rule["FromPort"], network["CidrIp"])
            for rule in rules["SecurityGroups"][0]["IpPermissions"]
            for network in rule["IpRanges"]
        }
        self.assertEqual(opened, {(80, "0.0.0.0/0"), (443, "0.0.0.0/0"), (8404, "192.0.2.7/32")})

    def check_growth(self, first: str) -> None:
        instances = self.instances()
        self.assertEqual(instances["chat-1"]["InstanceId"], first)
        for described in size("three"):
            self.assertEqual(self.tags(instances[described["name"]])["Role"], ",".join(described["roles"]))
        self.assertEqual(len({one["SubnetId"] for one in instances.values()}), 3)

    def check_firewall(self, instance: dict[str, Any]) -> None:
        ids = [group["GroupId"] for group in instance["SecurityGroups"]]
        opened = set()
        for group in self.ec2.describe_security_groups(GroupIds=ids)["SecurityGroups"]:
            for rule in group["IpPermissions"]:
                for network in rule["IpRanges"] + rule["Ipv6Ranges"]:
                    opened.add((rule.get("FromPort"), rule.get("ToPort"), *network.values()))
                for other in rule["UserIdGroupPairs"]:
                    self.assertEqual(other["GroupId"], group["GroupId"])
        everywhere = ("0.0.0.0/0", "::/0")
        self.assertEqual(
            opened,
            {(port, port, "Everybody", network) for port in (80, 443) for network in everywhere}
            | {(22, 22, "Operators", network) for network in everywhere},
        )

    def check_bucket(self) -> None:
        s3 = self.moto.client("s3")
        policy = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
        [statement] = policy["Statement"]
        self.assertEqual(statement["Action"], "s3:GetObject")
        self.assertEqual(statement["Resource"], f"arn:aws:s3:::{BUCKET}/assets/*")
        [rule] = s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
        self.assertEqual(rule["AllowedOrigins"], ["*"])
        self.assertEqual(sorted(rule["AllowedMethods"]), ["GET", "HEAD"])
        blocked = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
        self.assertEqual(
            blocked,
            {
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": False,
                "RestrictPublicBuckets": False,
            },
        )

    def check_inventory(self, roles: list[str]) -> None:
        done = self.moto.run(ANSIBLE / "ansible-inventory", "-i", "ansible/inventories/prod", "--list")
        groups = json.loads(done.stdout).keys()
        self.assertEqual(set(groups) & {role.replace("-", "_") for role in roles}, {r.replace("-", "_") for r in roles})

    def test_sizes_are_what_they_say(self) -> None:
        every = {role for one in size("one") for role in one["roles"]}
        for name, machines in ("one", 1), ("three", 3), ("ten", 10):
            instances = size(name)
            self.assertEqual(len({one["name"] for one in instances}), machines)
            self.assertEqual({role for one in instances for role in one["roles"]}, every)
            for role in "redis", "rabbitmq":
                self.assertIn(sum(role in one["roles"] for one in instances), (1, 3), "of two, no majority is left")
        for name in "one", "three":
            databases = [one["name"] for one in size(name) if "postgresql" in one["roles"]]
            self.assertEqual(databases, ["chat-1"], "a site that grows keeps its accounts")
        roles = [role for one in size("ten") for role in one["roles"]]
        self.assertEqual({role for role in roles if roles.count(role) < 2}, {"postgresql"})

    def test_what_cannot_be_made_is_refused_before_anything_is(self) -> None:
        for more, said in (
            ((), "aws_instances needs one machine or more"),
            (
                ("-e", '{"aws_instances": [{"name": "a", "type": "t3.small", "disk": 8, "roles": ["gatway"]}]}'),
                "roles of redis",
            ),
        ):
            done = self.attempt(*more)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(said, re.sub(r"\s+", " ", done.stdout + done.stderr))
            self.assertEqual(changed(done.stdout), [])


if __name__ == "__main__":
    unittest.main()
