"""python-socketio against crates/socketio/examples/echo, two of them behind HAProxy."""

import asyncio
import os
import unittest

import socketio
from clients import PATIENCE, TRANSPORTS, connected, refused
from servers import Servers

ARGS = (1, -2.5, "two", "", True, None, [], {"deep": [{"er": 'größer 東京 🎉 \0 "'}]})

# This client takes no more than 16 packets in one poll, of which binary events are two.
UNDER_WAY = 10

servers: Servers


def setUpModule():
    global servers
    servers = Servers(
        *("echoes", "--ping-interval", "300", "--ping-timeout", "5000", "--ack-timeout", "10000")
    )


def tearDownModule():
    servers.stop()


class Async:
    """What each way to talk has to do; a subclass names the way."""

    transports: str

    def connected(self, **kwargs):
        return connected(servers.url, self.transports, **kwargs)

    async def test_connects_with_a_payload(self):
        async with self.connected(auth={"token": "abc"}) as client:
            self.assertEqual(await client.next("auth"), ({"token": "abc"},))
            expected = "polling" if self.transports == "polling" else "websocket"
            self.assertEqual(client.transport(), expected)

    async def test_gets_back_an_event_with_its_arguments(self):
        async with self.connected() as client:
            await client.emit("message", *ARGS)
            self.assertEqual(await client.next("message-back"), ARGS)

    async def test_gets_an_event_acknowledged(self):
        async with self.connected() as client:
            self.assertEqual(await client.ask("message-with-ack", *ARGS), ARGS)
            for n in range(0, 100, UNDER_WAY):
                asked = range(n, n + UNDER_WAY)
                asking = (client.ask("message-with-ack", n) for n in asked)
                self.assertEqual(await asyncio.gather(*asking), list(asked))

    async def test_sends_and_gets_binary(self):
        small, large = bytes([0, 1, 254, 255]), os.urandom(50_000)
        args = (small, "text", {"in": [large, {"it": small}]}, b"")
        async with self.connected() as client:
            await client.emit("message", *args)
            self.assertEqual(await client.next("message-back"), args)
            self.assertEqual(await client.ask("message-with-ack", *args), args)

    async def test_acknowledges_what_the_server_asks(self):
        async with self.connected() as client:

            async def answer(*args):
                return tuple(reversed(args))

            client.sio.on("question", answer)
            await client.emit("ask", "text", b"bytes", 4)
            self.assertEqual(await client.next("answer"), (4, b"bytes", "text"))

    async def test_gets_a_burst_back_in_order(self):
        burst = [n if n % 3 else str(n).encode() for n in range(100)]
        async with self.connected() as client:
            for n in range(0, len(burst), UNDER_WAY):
                sent = burst[n : n + UNDER_WAY]
                for arg in sent:
                    await client.emit("message", arg)
                got = [(await client.next("message-back"))[0] for _ in sent]
                self.assertEqual(got, sent)

    async def test_is_told_that_there_is_no_such_namespace(self):
        async with refused(self, servers.url, self.transports, "/nowhere") as client:
            refusal = {"message": "Invalid namespace"}
            self.assertEqual(await client.next("connect_error"), (refusal,))

    async def test_is_refused_with_a_message_and_data(self):
        auth = {"refuse": True}
        async with refused(self, servers.url, self.transports, "/custom", auth) as client:
            refusal = {"message": "refused", "data": {"you": "asked for it"}}
            self.assertEqual(await client.next("connect_error"), (refusal,))

    async def test_stays_through_pings(self):
        async with self.connected() as client:
            sid = client.sio.get_sid()
            pings = asyncio.Queue()
            receive = client.sio.eio._receive_packet

            async def count(packet):
                if packet.packet_type == 2:
                    await pings.put(packet)
                await receive(packet)

            client.sio.eio._receive_packet = count
            for _ in range(4):
                await asyncio.wait_for(pings.get(), PATIENCE)
            self.assertEqual(await client.ask("message-with-ack", "alive"), "alive")
            self.assertEqual(client.sio.get_sid(), sid)

    async def test_goes_on_at_the_other_node_when_its_own_is_killed(self):
        async with self.connected(cookies={"SERVERID": "echo-1"}) as client:
            await client.next("connect")
            kill = asyncio.to_thread(servers.call, "kill", "echo-1")
            await asyncio.gather(kill, client.next("disconnect"))
            await client.next("connect")
            self.assertEqual(await client.ask("message-with-ack", b"again"), b"again")
        servers.call("restart", "echo-1")


class AsyncWebSocketOnly(Async, unittest.IsolatedAsyncioTestCase):
    transports = "websocket"


class AsyncPollingOnly(Async, unittest.IsolatedAsyncioTestCase):
    transports = "polling"


class AsyncDefault(Async, unittest.IsolatedAsyncioTestCase):
    transports = "default"


class Sync(unittest.TestCase):
    def test_talks_in_text_and_binary(self):
        for transports in TRANSPORTS.values():
            with self.subTest(transports=transports), socketio.SimpleClient() as client:
                client.connect(servers.url, transports=transports, wait_timeout=PATIENCE)
                self.assertEqual(client.receive(timeout=PATIENCE), ["auth", {}])
                args = ("text", b"bytes", {"in": [b"more"]})
                client.emit("message", args)
                self.assertEqual(client.receive(timeout=PATIENCE), ["message-back", *args])
                answer = client.call("message-with-ack", args, timeout=PATIENCE)
                self.assertEqual(answer, args)


if __name__ == "__main__":
    unittest.main()
