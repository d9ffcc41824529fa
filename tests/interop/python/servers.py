"""The servers of the suite, which support/serve.js starts."""

import json
import pathlib
import subprocess

SERVE = pathlib.Path(__file__).parent.parent / "support" / "serve.js"


class Servers:
    """`Servers("echoes", ...)`: two echoes behind HAProxy; `Servers("stack")`: a whole PacktChat."""

    def __init__(self, *args: str) -> None:
        self._process = subprocess.Popen(
            ["node", str(SERVE), *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = self._answer()

    def call(self, name: str, argument: str):
        """Has something done, such as `kill`, and waits until it is done."""
        self._process.stdin.write(f"{name} {argument}\n")
        self._process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        self._process.communicate()
        if self._process.returncode != 0:
            raise RuntimeError(f"the servers ended with {self._process.returncode}")

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the servers ended with {self._process.wait()}")
        return json.loads(line)
