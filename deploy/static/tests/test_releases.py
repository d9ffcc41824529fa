"""What is kept, and what is not needed any more."""

import unittest
from datetime import UTC, datetime

from collectstatic.releases import NAME, Release, UnreadableList, from_list, kept, key_of, mark_of, to_list, unneeded


def at(minute: int) -> datetime:
    return datetime(2026, 1, 1, 0, minute, tzinfo=UTC)


def release(name: str, uploaded: int, deployed: int | None = None, *files: str) -> Release:
    return Release(name, at(uploaded), None if deployed is None else at(deployed), frozenset(files))


def names(releases: list[Release]) -> str:
    return " ".join(sorted(one.name for one in releases))


class Lists(unittest.TestCase):
    def test_a_list_is_read_as_it_was_written(self) -> None:
        text = to_list("abc1234", ["assets/b.js", "assets/a.js"])
        files = frozenset({"assets/a.js", "assets/b.js"})
        written = {key_of("abc1234"): at(1), mark_of("other"): at(2)}
        self.assertEqual(from_list(key_of("abc1234"), text, written), Release("abc1234", at(1), None, files))
        written[mark_of("abc1234")] = at(3)
        self.assertEqual(from_list(key_of("abc1234"), text, written), Release("abc1234", at(1), at(3), files))

    def test_what_is_no_list_is_refused(self) -> None:
        for text in b"", b"{}", b"[]", b'{"release": "other", "files": []}', b'{"release": "abc", "files": [1]}':
            with self.assertRaisesRegex(UnreadableList, "nothing is deleted"):
                from_list(key_of("abc"), text, {key_of("abc"): at(1)})

    def test_names_cannot_leave_their_folder(self) -> None:
        for name in "07f786e", "v1.2.3", "main_2":
            self.assertTrue(NAME.fullmatch(name), name)
        for name in "", "../x", "a/b", ".hidden", "a b", "x" * 101:
            self.assertFalse(NAME.fullmatch(name), name)


class Keeping(unittest.TestCase):
    def test_the_last_that_were_deployed_are_kept(self) -> None:
        known = [release("a", 1, 2), release("b", 3, 4), release("c", 5, 6), release("d", 7, 8)]
        self.assertEqual(names(kept(known, "d", 2)), "c d")
        self.assertEqual(names(kept(known, "d", 3)), "b c d")
        self.assertEqual(names(kept(known, "d", 5)), "a b c d")

    def test_what_was_only_uploaded_takes_no_place(self) -> None:
        failed = [release(f"failed-{number}", 10 + number) for number in range(5)]
        known = [release("a", 1, 2), release("live", 3, 4), *failed]
        self.assertEqual(len(kept(known, "live", 2)), 7)
        known.append(release("next", 20, 21))
        self.assertIn("live", names(kept(known, "next", 2)))
        self.assertNotIn("a", names(kept(known, "next", 2)).split())

    def test_what_waits_goes_with_the_deployed_one_before_it(self) -> None:
        known = [release("a", 1, 2), release("half", 3), release("b", 4, 5), release("c", 6, 7), release("now", 8)]
        self.assertEqual(names(kept(known, "c", 3)), "a b c half now")
        self.assertEqual(names(kept(known, "c", 2)), "b c now")

    def test_an_earlier_release_that_is_uploaded_again_waits_again(self) -> None:
        known = [release("a", 8, 2), release("b", 3, 4), release("c", 5, 6)]
        self.assertEqual(names(kept(known, "c", 2)), "a b c")

    def test_an_earlier_release_that_is_deployed_again_is_the_last(self) -> None:
        known = [release("a", 1, 8), release("b", 3, 4), release("c", 5, 6)]
        self.assertEqual(names(kept(known, "a", 2)), "a c")

    def test_the_current_one_is_the_last_also_in_the_same_second(self) -> None:
        known = [release("a", 1, 9), release("b", 2, 9), release("c", 3, 9)]
        self.assertEqual(names(kept(known, "a", 2)), "a c")

    def test_a_file_that_one_of_them_needs_stays(self) -> None:
        some = [release("b", 2, 2, "shared", "b"), release("a", 1, 1, "shared", "a")]
        present = dict.fromkeys(["shared", "a", "b", "left", "gone"], at(0))
        self.assertEqual(unneeded(present, some, at(2)), ["gone", "left"])
        self.assertEqual(unneeded(present, some[:1], at(2)), ["a", "gone", "left"])

    def test_a_file_of_an_upload_under_way_stays(self) -> None:
        self.assertEqual(unneeded({"old": at(1), "same": at(2), "new": at(3)}, [], at(2)), ["old"])


if __name__ == "__main__":
    unittest.main()
