#!/usr/bin/env python3
"""weir-explore as a program: a planted fault is found, its script repeats it, and bad arguments are refused."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop()


def explore(*arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=100)
    return done.returncode, done.stdout, done.stderr


class Explorer(unittest.TestCase):
    def test_clean_world_up_to_a_number_of_states(self):
        status, out, _ = explore("--world", "turns", "--states", "60", "--second", "model", "--json")
        self.assertEqual(status, 0)
        self.assertIn('"findings": []', out)

    def test_fault_is_found_and_its_script_repeats_it(self):
        status, out, _ = explore("--world", "small", "--fault", "miscount", "--states", "400", "--second", "none",
                                 "--json")
        self.assertEqual(status, 1)
        self.assertIn("FOUND invariant", out)
        script = json.loads(out[out.index("\n[\n"):])[0]["findings"][0]["script"]
        with tempfile.NamedTemporaryFile("w", suffix=".script") as file:
            file.write("\n".join(script) + "\n")
            file.flush()
            again = ("--world", "small", "--replay", file.name)
            self.assertEqual(explore(*again, "--fault", "miscount", "--second", "none")[0], 1)
            self.assertEqual(explore(*again)[0], 0)
            self.assertEqual(explore("--replay", file.name)[0], 2)

    def test_what_cannot_be_replayed(self):
        self.assertEqual(explore("--world", "small", "--replay", "/nonexistent")[0], 2)
        with tempfile.NamedTemporaryFile("w") as file:
            pathlib.Path(file.name).write_text("fly\n")
            status, _, errors = explore("--world", "small", "--replay", file.name)
        self.assertEqual(status, 2)
        self.assertIn(file.name, errors)

    def test_unknown_names(self):
        for option in ("--world", "--fault"):
            status, _, errors = explore(option, "nothing")
            self.assertNotEqual(status, 0)
            self.assertIn("nothing", errors)


if __name__ == "__main__":
    unittest.main()
