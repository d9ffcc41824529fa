"""python-socketio against a whole PacktChat: two people on two nodes."""

import asyncio
import contextlib
import unittest
import uuid
from http.cookies import SimpleCookie

from clients import connected, refused
from servers import Servers

NAMESPACE = "/packtchat"

servers: Servers


def setUpModule():
    global servers
    servers = Servers("stack")


def tearDownModule():
    servers.stop()


class Chat:
    """What each way to talk has to do; a subclass names the way."""

    transports: str

    @contextlib.asynccontextmanager
    async def person(self, of: str, node: str):
        account = await asyncio.to_thread(servers.call, "register", of)
        cookies = SimpleCookie(f"{account['cookie']}; SERVERID={node}")
        async with connected(
            servers.url, self.transports, namespace=NAMESPACE, cookies=cookies
        ) as client:
            me = (await client.ask("GetMe"))["me"]
            self.assertEqual(me["user"], account["name"])
            yield client, me

    async def test_is_refused_without_a_session(self):
        async with refused(self, servers.url, self.transports, NAMESPACE) as client:
            refusal = {"message": "Not Authenticated"}
            self.assertEqual(await client.next("connect_error"), (refusal,))

    async def test_is_put_out_for_good_when_the_session_ends(self):
        account = await asyncio.to_thread(servers.call, "register", "grace")
        cookies = SimpleCookie(account["cookie"])
        async with connected(
            servers.url, self.transports, namespace=NAMESPACE, cookies=cookies
        ) as client:
            await asyncio.to_thread(servers.call, "signOut", account["cookie"])
            (reason,) = await client.next("disconnect")
            self.assertEqual(reason, client.sio.reason.SERVER_DISCONNECT)

    async def test_talks_in_a_room_over_two_nodes(self):
        room = f"room-{uuid.uuid4()}"
        async with (
            self.person("alice", "chat-realtime-1") as (alice, _),
            self.person("bob", "chat-realtime-2") as (bob, bobs_user),
        ):
            entered = {"ok": True, "room": {"id": room, "name": room}}
            self.assertEqual(await alice.ask("AddRoom", {"name": room}), entered)
            self.assertEqual(await bob.ask("AddRoom", {"name": room}), entered)
            self.assertEqual(await alice.next("AddUser"), ({**bobs_user, "room": room},))

            for n in range(10):
                message = {"room": room, "message": f"{n} 東京 🎉"}
                said = await asyncio.gather(
                    alice.ask("AddChat", message), bob.ask("AddChat", message)
                )
                seqs = [2 * n + 1, 2 * n + 2]
                self.assertEqual(sorted(answer["seq"] for answer in said), seqs)
                on_alices = [(await alice.next("AddChat"))[0] for _ in said]
                self.assertEqual([chat["seq"] for chat in on_alices], seqs)
                self.assertEqual([(await bob.next("AddChat"))[0] for _ in said], on_alices)

            await bob.sio.disconnect()
            self.assertEqual(await alice.next("RemoveUser"), ({**bobs_user, "room": room},))


class ChatWebSocketOnly(Chat, unittest.IsolatedAsyncioTestCase):
    transports = "websocket"


class ChatPollingOnly(Chat, unittest.IsolatedAsyncioTestCase):
    transports = "polling"


class ChatDefault(Chat, unittest.IsolatedAsyncioTestCase):
    transports = "default"


if __name__ == "__main__":
    unittest.main()
