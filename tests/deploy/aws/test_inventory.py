"""The hosts of an environment, as Ansible finds them from the tags of EC2's instances."""

import json
import unittest
from typing import Any

from moto_server import ANSIBLE, Moto

# What Ansible adds, and what lists the hosts' variables.
OTHERS = {"all", "ungrouped", "aws_ec2", "_meta"}


class Inventory(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.moto = Moto()
        cls.addClassCleanup(cls.moto.stop)
        cls.ec2 = cls.moto.client("ec2")
        cls.image = cls.ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        cls.hosts = {}
        cls.launch("data", Name="data-1", Role="redis,rabbitmq,postgresql", Env="prod", Deploy="packtchat")
        cls.launch("web", Name="web-1", Role="haproxy, gateway , chat-realtime", Env="prod", Deploy="packtchat")
        # A second one of that name, with the names of groups as Ansible writes them.
        cls.launch("web-2", Name="web-1", Role="chat_realtime,auth,log_worker", Env="prod", Deploy="packtchat")
        cls.launch("worker", Role="cleanup-worker", Env="prod", Deploy="packtchat")
        cls.launch("idle", Name="idle-1", Env="prod", Deploy="packtchat")
        cls.launch("staging", Name="web-1", Role="gateway", Env="staging", Deploy="packtchat")
        cls.launch("foreign", Name="web-1", Role="gateway", Env="prod", Deploy="another")
        cls.launch("untagged", Name="web-1", Role="gateway", Env="prod")
        cls.launch("stopped", Name="web-9", Role="gateway", Env="prod", Deploy="packtchat")
        stopped = cls.hosts["stopped"].rpartition("_")[2]
        cls.ec2.stop_instances(InstanceIds=[stopped])

    @classmethod
    def launch(cls, key: str, **tags: str) -> None:
        listed = [{"Key": name, "Value": value} for name, value in tags.items()]
        instance = cls.ec2.run_instances(
            ImageId=cls.image,
            MinCount=1,
            MaxCount=1,
            InstanceType="t3.small",
            TagSpecifications=[{"ResourceType": "instance", "Tags": listed}],
        )["Instances"][0]
        name = f"{tags['Name']}_" if "Name" in tags else ""
        cls.hosts[key] = name + instance["InstanceId"]

    def inventory(self, environment: str) -> dict[str, Any]:
        done = self.moto.run(ANSIBLE / "ansible-inventory", "-i", f"ansible/inventories/{environment}", "--list")
        self.assertEqual(done.returncode, 0, done.stderr)
        listed: dict[str, Any] = json.loads(done.stdout)
        return listed

    def groups(self, inventory: dict[str, Any]) -> dict[str, set[str]]:
        keys = {host: key for key, host in self.hosts.items()}
        return {
            name: {keys[host] for host in group["hosts"]} for name, group in inventory.items() if name not in OTHERS
        }

    def test_groups_are_those_of_the_tags(self) -> None:
        self.assertEqual(
            self.groups(self.inventory("prod")),
            {
                "env_prod": {"data", "web", "web-2", "worker", "idle"},
                "redis": {"data"},
                "rabbitmq": {"data"},
                "postgresql": {"data"},
                "haproxy": {"web"},
                "gateway": {"web"},
                "chat_realtime": {"web", "web-2"},
                "auth": {"web-2"},
                "log_worker": {"web-2"},
                "cleanup_worker": {"worker"},
            },
        )

    def test_environments_do_not_mix(self) -> None:
        self.assertEqual(
            self.groups(self.inventory("staging")),
            {"env_staging": {"staging"}, "gateway": {"staging"}},
        )

    def test_hosts_are_reached_at_their_private_addresses(self) -> None:
        hosts = self.inventory("prod")["_meta"]["hostvars"]
        for key in "data", "web", "web-2", "worker", "idle":
            name = self.hosts[key]
            described = self.ec2.describe_instances(InstanceIds=[name.rpartition("_")[2]])
            private = described["Reservations"][0]["Instances"][0]["PrivateIpAddress"]
            for variable in "ansible_host", "private_ip_address":
                self.assertEqual(hosts[name][variable], {"__ansible_unsafe": private})

    def test_without_an_answer_there_is_an_error_and_no_empty_inventory(self) -> None:
        done = self.moto.run(
            ANSIBLE / "ansible-inventory",
            "-i",
            "ansible/inventories/prod",
            "--list",
            AWS_ENDPOINT_URL="http://127.0.0.1:9",
        )
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
