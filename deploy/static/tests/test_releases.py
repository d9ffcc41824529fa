"""What is kept, and what is not needed any more."""

import unittest
from datetime import UTC, datetime

from collectstatic.releases import NAME, Release, UnreadableList, by_age, from_list, key_of, to_list, unneeded


def release(name: str, minute: int, *files: str) -> Release:
    return Release(name, datetime(2026, 1, 1, 0, minute, tzinfo=UTC), frozenset(files))


class Lists(unittest.TestCase):
    def test_a_list_is_read_as_it_was_written(self) -> None:
        now = datetime.now(UTC)
        text = to_list("abc1234", ["assets/b.js", "assets/a.js"])
        self.assertEqual(
            from_list(key_of("abc1234"), text, now),
            Release("abc1234", now, frozenset({"assets/a.js", "assets/b.js"})),
        )

    def test_what_is_no_list_is_refused(self) -> None:
        for text in b"", b"{}", b"[]", b'{"release": "other", "files": []}', b'{"release": "abc", "files": [1]}':
            with self.assertRaisesRegex(UnreadableList, "nothing is deleted"):
                from_list(key_of("abc"), text, datetime.now(UTC))

    def test_names_cannot_leave_their_folder(self) -> None:
        for name in "07f786e", "v1.2.3", "main_2":
            self.assertTrue(NAME.fullmatch(name), name)
        for name in "", "../x", "a/b", ".hidden", "a b", "x" * 101:
            self.assertFalse(NAME.fullmatch(name), name)


class Keeping(unittest.TestCase):
    def test_the_newest_come_first_and_the_current_one_before_all(self) -> None:
        old, middle, new = release("c", 1), release("b", 2), release("a", 3)
        self.assertEqual(by_age([middle, new, old], "a"), [new, middle, old])
        again = release("old", 3)
        self.assertEqual(by_age([new, again], "old"), [again, new])

    def test_a_file_that_one_of_them_needs_stays(self) -> None:
        kept = [release("b", 2, "shared", "b"), release("a", 1, "shared", "a")]
        self.assertEqual(unneeded(["shared", "a", "b", "gone", "left"], kept), ["gone", "left"])
        self.assertEqual(unneeded(["shared", "a", "b"], kept[:1]), ["a"])


if __name__ == "__main__":
    unittest.main()
