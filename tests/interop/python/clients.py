"""What the tests do with python-socketio's AsyncClient."""

import asyncio
import contextlib

import aiohttp
import socketio
import yarl

PATIENCE = 20

# By default a client polls first and then upgrades.
TRANSPORTS = {"websocket": ["websocket"], "polling": ["polling"], "default": None}


class Listener:
    """A client that keeps the events it gets until they are asked for."""

    def __init__(self, namespace: str, http_session=None) -> None:
        self.namespace = namespace
        self.sio = socketio.AsyncClient(
            reconnection_delay=0.05, reconnection_delay_max=0.5, http_session=http_session
        )
        self._events: dict[str, asyncio.Queue] = {}
        self.sio.on("*", self._keep, namespace=namespace)
        for name in ("connect", "connect_error", "disconnect"):
            self.sio.on(name, self._keeper(name), namespace=namespace)

    async def connect(self, url, transports, auth=None) -> None:
        await self.sio.connect(
            url,
            auth=auth,
            transports=TRANSPORTS[transports],
            namespaces=[self.namespace],
            wait_timeout=PATIENCE,
        )

    async def next(self, name: str):
        """The arguments of the first event of that name which was not asked for yet."""
        return await asyncio.wait_for(self._queue(name).get(), PATIENCE)

    async def emit(self, name: str, *args) -> None:
        await self.sio.emit(name, args, namespace=self.namespace)

    async def ask(self, name: str, *args):
        """Emits, and gives what it was acknowledged with."""
        return await self.sio.call(name, args, namespace=self.namespace, timeout=PATIENCE)

    def transport(self) -> str:
        return self.sio.transport()

    def _queue(self, name: str) -> asyncio.Queue:
        return self._events.setdefault(name, asyncio.Queue())

    async def _keep(self, name, *args):
        await self._queue(name).put(args)

    def _keeper(self, name):
        async def keep(*args):
            await self._keep(name, *args)

        return keep


@contextlib.asynccontextmanager
async def connected(url, transports, namespace="/", auth=None, cookies=None):
    """A client that is connected, until the end of the block."""
    async with aiohttp.ClientSession() as session:
        # Polls carry the cookies of the session, but not the headers given to connect().
        session.cookie_jar.update_cookies(cookies or {}, yarl.URL(url))
        client = Listener(namespace, session)
        try:
            await client.connect(url, transports, auth)
            yield client
        finally:
            await client.sio.shutdown()


@contextlib.asynccontextmanager
async def refused(test, url, transports, namespace, auth=None):
    """A client that is not let in, until the end of the block."""
    client = Listener(namespace)
    try:
        with test.assertRaises(socketio.exceptions.ConnectionError):
            await client.connect(url, transports, auth)
        yield client
    finally:
        await client.sio.shutdown()
