"""What is sent, and with which headers."""

import tempfile
import unittest
from pathlib import Path

from collectstatic.files import ASK_EVERY_TIME, FOR_EVER, NoBuild, collect


class Collect(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.dist = Path(scratch.name)
        (self.dist / ".vite").mkdir()
        (self.dist / ".vite/manifest.json").write_text("{}")
        (self.dist / "assets/fonts").mkdir(parents=True)

    def write(self, *names: str) -> None:
        for name in names:
            (self.dist / "assets" / name).write_text(name)

    def test_a_compressed_form_is_sent_under_the_plain_name(self) -> None:
        self.write("chat-BMuY0au4.js", "chat-BMuY0au4.js.br", "chat-BMuY0au4.js.gz", "logo-j-LRTyDl.svg")
        for coding, suffix in ("br", ".br"), ("gzip", ".gz"):
            chat, logo = collect(self.dist, coding)
            self.assertEqual(chat.key, "assets/chat-BMuY0au4.js")
            self.assertEqual(chat.body, f"chat-BMuY0au4.js{suffix}".encode())
            self.assertEqual(chat.content_encoding, coding)
            self.assertEqual(logo.body, b"logo-j-LRTyDl.svg")
            self.assertIsNone(logo.content_encoding)

    def test_types_are_those_browsers_insist_on(self) -> None:
        self.write("a-12345678.js", "b-12345678.css", "c-12345678.svg", "fonts/d-12345678.woff2", "e-12345678.xyz")
        types = {file.key.rpartition(".")[2]: file.content_type for file in collect(self.dist, "br")}
        self.assertEqual(
            types,
            {
                "js": "text/javascript; charset=utf-8",
                "css": "text/css; charset=utf-8",
                "svg": "image/svg+xml",
                "woff2": "font/woff2",
                "xyz": "application/octet-stream",
            },
        )

    def test_only_a_name_with_a_hash_is_kept_for_ever(self) -> None:
        self.write("chat-BMuY0au4.js", "logo-j-LRTyDl.svg", "robots.txt", "service-worker.js")
        caching = {file.key: file.cache_control for file in collect(self.dist, "br")}
        self.assertEqual(
            caching,
            {
                "assets/chat-BMuY0au4.js": FOR_EVER,
                "assets/logo-j-LRTyDl.svg": FOR_EVER,
                "assets/robots.txt": ASK_EVERY_TIME,
                "assets/service-worker.js": ASK_EVERY_TIME,
            },
        )

    def test_a_folder_without_a_build_is_refused(self) -> None:
        with self.assertRaisesRegex(NoBuild, "is empty"):
            collect(self.dist, "br")
        (self.dist / ".vite/manifest.json").unlink()
        with self.assertRaisesRegex(NoBuild, "npm run build"):
            collect(self.dist, "br")


if __name__ == "__main__":
    unittest.main()
