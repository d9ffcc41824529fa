"""A PacktChat whose pages load their files from another place.

That is `packtchat up`, and before it, as where it is deployed, a gateway and an HAProxy of one's own, since
`packtchat up` always serves the files itself.
"""

import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from moto_server import ROOT

# How what is tested was built: dev or release.
PROFILE = os.environ.get("PACKTCHAT_PROFILE", "dev")
PROGRAMS = ROOT / "target" / ("debug" if PROFILE == "dev" else PROFILE)
DEADLINE_S = 90


class PacktChat:
    """Runs until `stop`."""

    def __init__(self, static_url: str) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="packtchat-aws-")
        self._dir = Path(self._scratch.name)
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            stack = self._start_stack()
            gateway, admin, proxy = (_free_port() for _ in range(3))
            self.url = f"http://localhost:{proxy}"
            self._start_gateway(stack, static_url, gateway, admin)
            self._start_proxy(stack, f"gateway=127.0.0.1:{gateway}/{admin}", proxy)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            process.wait()
        self._scratch.cleanup()

    def _start_stack(self) -> dict[str, object]:
        arguments = ["up", "--profile", PROFILE, "--skip-build", "--port", "0", "--dir", str(self._dir / "stack")]
        self._start("packtchat", [PROGRAMS / "packtchat", *arguments], {})
        self._until(lambda: "scripts/down" in (self._dir / "packtchat.log").read_text())
        stack: dict[str, object] = json.loads((self._dir / "stack/state.json").read_text())
        return stack

    def _start_gateway(self, stack: dict[str, object], static_url: str, port: int, admin: int) -> None:
        settings = {
            "STATIC__URL": static_url,
            "STATIC__DIR": str(ROOT / "services/gateway/web/dist"),
            "REDIS__URL": str(stack["redis_url"]),
            "AMQP__URL": str(stack["amqp_url"]),
            "SESSION__SECRET_FILE": str(self._dir / "stack/secrets/session"),
            "HTTP__LISTEN": f"127.0.0.1:{port}",
            "HTTP__PUBLIC_URL": self.url,
            "LIFECYCLE__ADMIN_LISTEN": f"127.0.0.1:{admin}",
        }
        self._start("gateway", [PROGRAMS / "gateway"], _variables(settings))
        self._until(lambda: _answers(f"http://127.0.0.1:{admin}/readyz"))

    def _start_proxy(self, stack: dict[str, object], gateways: str, port: int) -> None:
        processes: list[dict[str, object]] = stack["processes"]  # type: ignore[assignment]
        realtimes = [
            f"{one['name']}=127.0.0.1:{one['port']}/{one['admin_port']}"
            for one in processes
            if one["kind"] == "chat-realtime"
        ]
        settings = {
            "PROXY__LISTEN": f"127.0.0.1:{port}",
            "PROXY__GATEWAYS": gateways,
            "PROXY__REALTIMES": ",".join(realtimes),
            "PROXY__ADMIN_SOCKET": str(self._dir / "admin.sock"),
        }
        environment = os.environ | _variables(settings)
        file = self._dir / "haproxy.cfg"
        with file.open("w") as output:
            subprocess.run([PROGRAMS / "packtchat", "haproxy-config"], env=environment, stdout=output, check=True)
        self._start("haproxy", ["haproxy", "-W", "-db", "-f", file], {})
        self._until(lambda: _answers(f"{self.url}/account/login"))

    def _start(self, name: str, command: list[str | Path], variables: dict[str, str]) -> None:
        with (self._dir / f"{name}.log").open("w") as log:
            environment = os.environ | variables
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        self._processes.append(process)

    def _until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + DEADLINE_S
        while not condition():
            if any(process.poll() is not None for process in self._processes) or time.monotonic() > end:
                said = "\n".join(log.read_text()[-2000:] for log in self._dir.glob("*.log"))
                raise RuntimeError(f"PacktChat did not start:\n{said}")
            time.sleep(0.05)


def _variables(settings: dict[str, str]) -> dict[str, str]:
    return {f"PACKTCHAT__{key}": value for key, value in settings.items()}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=1).close()
    except OSError:
        return False
    return True
