#!/usr/bin/env python3
"""What counts as a line and a branch, in a program that is compiled here; and a report that must be seen to fail."""

import contextlib
import importlib.util
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "coverage"


def load(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


collect, report = load("collect"), load("report")

PROGRAM = """#include <string>
template <class T> bool same(T a, T b) { return a == b; }
std::string name(int x) {
  std::string text = "a" + std::to_string(x);
  return text + "b";
}
bool inside(int x) { return x > 0 && x < 9; }
int unused() { return 1; }
int main() { return same(std::string("a"), name(1)) == same(1, inside(2) ? 1 : 0); }
"""


class Measured(unittest.TestCase):
    """The counters of a real program."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="weir-coverage-")
        root = pathlib.Path(cls.folder.name).resolve()
        (root / "src/room").mkdir(parents=True)
        (root / "src/room/a.cpp").write_text(PROGRAM)
        build = root / "build"
        build.mkdir()
        subprocess.run(["g++", "-O0", "--coverage", "-o", "a", root / "src/room/a.cpp"], cwd=build, check=True)
        subprocess.run(["./a"], cwd=build, check=True)
        collect.ROOT, report.ROOT = root, root
        files = collect.merge(collect.read_object(path) for path in collect.objects_of(build, None))
        collect.write_trace(files, build / "all.info")
        cls.file = report.read_trace(build / "all.info")["src/room/a.cpp"]

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def taken(self, line):
        return [bool(count) for at, _, _, count in self.file.branches if at == line]

    def test_lines(self):
        self.assertEqual({line for line, count in self.file.lines.items() if count == 0}, {8})
        self.assertGreaterEqual(set(self.file.lines), {2, 3, 4, 5, 7, 8, 9})

    def test_a_call_that_may_throw_is_no_branch(self):
        self.assertEqual(self.taken(4) + self.taken(5), [])

    def test_each_part_of_a_condition_is_two_branches(self):
        self.assertEqual(sorted(self.taken(7)), [False, False, True, True])

    def test_instances_of_a_template_are_one(self):
        self.assertEqual(self.taken(2), [])
        self.assertEqual(self.file.lines[2], 2)


class Report(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weir-coverage-")
        self.addCleanup(self.folder.cleanup)
        self.root = report.ROOT = pathlib.Path(self.folder.name).resolve()
        report.HERE = self.root / "coverage"
        report.FLOORS, report.EXCLUDED = report.HERE / "floors.txt", report.HERE / "excluded.tsv"
        report.TABLE = report.HERE / "table.tsv"
        self.put("src/room/a.cpp", "int f(int x) {\n  CHECK(x);\n  if (x) return 1;\n  return 2;\n}\n")
        self.put("coverage/floors.txt", "# words\nsrc/room 100 70\n")
        self.put("coverage/excluded.tsv", "line\tsrc/room/*.cpp\treturn 2;\tnever\nbranch\t*\tCHECK( ...\tbroken invariant\n")
        self.put("all.info", f"SF:{self.root}/src/room/a.cpp\nBRDA:2,0,0,4\nBRDA:2,0,1,0\nBRDA:3,0,0,4\nBRDA:3,0,1,3\n"
                 "DA:1,4\nDA:2,4\nDA:3,4\nDA:4,0\nend_of_record\n")
        self.git("init", "-q")
        self.git("add", ".")
        self.git("commit", "-q", "-m", "measured")

    def git(self, *words):
        who = ["-c", "user.name=test", "-c", "user.email=test@test.example", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", self.root, *who, *words], check=True, capture_output=True)

    def put(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def verdict(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        old, sys.argv = sys.argv, ["report.py", *arguments]
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = report.main()
        finally:
            sys.argv = old
        return status, out.getvalue(), err.getvalue()

    def measured(self, *arguments):
        return self.verdict(str(self.root / "all.info"), *arguments)

    def refused(self, words, *arguments):
        status, _, err = self.verdict(*arguments) if arguments else self.measured()
        self.assertEqual(status, 1)
        self.assertIn(words, err)
        self.assertEqual(err.count("\n"), 1, err)

    def test_what_is_excluded_does_not_count(self):
        status, out, err = self.measured("--record", "--html-trace", str(self.root / "shown.info"))
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(report.TABLE.read_text(), r"^# measured at [0-9a-f]{40}\n")
        self.assertEqual(report.TABLE.read_text().splitlines()[2], "src/room/a.cpp\t3\t3\t3\t3")
        self.assertIn("LF:3\nLH:3", (self.root / "shown.info").read_text())
        self.assertEqual(self.verdict("--check")[0], 0)

    def test_missing_lines_are_named(self):
        self.put("coverage/excluded.tsv", "")
        _, out, _ = self.measured("--missing", "src/room/*")
        self.assertEqual(out.splitlines(), ["src/room/a.cpp:2:    1/2  CHECK(x);", "src/room/a.cpp:4:  #####  return 2;"])

    def test_lines_below_the_floor(self):
        self.put("coverage/excluded.tsv", "branch\t*\tCHECK( ...\tbroken invariant\n")
        self.refused("src/room: 75.00 % of lines, the floor is 100 %")

    def test_branches_below_the_floor(self):
        self.put("coverage/excluded.tsv", "line\tsrc/room/a.cpp\treturn 2;\tnever\n")
        self.put("coverage/floors.txt", "src/room 100 80\n")
        self.refused("src/room: 75.00 % of branches, the floor is 80 %")

    def test_row_that_matches_nothing(self):
        self.put("coverage/excluded.tsv", report.EXCLUDED.read_text() + "line\tsrc/room/a.cpp\treturn 3;\tnever\n")
        self.refused("excluded.tsv:3: src/room/a.cpp has no line `return 3;`")

    def test_row_that_names_the_line_before(self):
        self.put("coverage/excluded.tsv", report.EXCLUDED.read_text().replace("return 2;", "if (x) return 1;\\nreturn 2;"))
        self.assertEqual(self.measured()[0], 0)
        self.put("coverage/excluded.tsv", report.EXCLUDED.read_text().replace("return 1;", "return 7;"))
        self.assertIn("has no line `if (x) return 7;", self.measured()[2])

    def test_row_without_a_reason(self):
        self.put("coverage/excluded.tsv", report.EXCLUDED.read_text() + "line\tsrc/room/a.cpp\treturn 2;\t\n")
        self.refused("excluded.tsv:3: not kind, file, text and reason")

    def test_room_without_a_floor(self):
        self.put("coverage/floors.txt", "")
        self.refused("src/room: has no floor")

    def test_room_that_was_not_measured(self):
        self.put("coverage/floors.txt", "src/room 100 70\nsrc/other 90 0\n")
        self.refused("src/other: was not measured")

    def test_record_that_is_stale(self):
        self.measured("--record")
        self.put("src/room/b.cpp", "")
        self.refused("src/room/b.cpp: not in table.tsv", "--check")

    def test_record_below_the_floor(self):
        self.measured("--record")
        self.put("coverage/table.tsv", report.TABLE.read_text().replace("\t3\t3\t3\t3", "\t3\t2\t3\t3"))
        self.refused("src/room: 66.67 % of lines", "--check")

    def test_what_came_since_counts_as_missed(self):
        self.put("coverage/floors.txt", "src/room 100 50\n")
        self.measured("--record")
        code = (self.root / "src/room/a.cpp").read_text()
        self.put("src/room/a.cpp", code + "// A comment.\n\n#include <new>\n")
        self.assertEqual(self.verdict("--check")[0], 0)
        self.put("src/room/a.cpp", code + "int g() {\n  return 1;\n}\n")
        self.refused("src/room: 60.00 % of lines, the floor is 100 %, if nothing that came since", "--check")
        self.git("commit", "-q", "-a", "-m", "more")
        self.refused("src/room: 60.00 % of lines", "--check")

    def test_what_went_since_counts_as_hit(self):
        self.measured("--record")
        self.put("src/room/a.cpp", (self.root / "src/room/a.cpp").read_text().replace("  if (x) return 1;\n", ""))
        self.assertEqual(self.verdict("--check")[0], 0)

    def test_what_is_not_committed_cannot_be_recorded(self):
        self.put("src/room/a.cpp", (self.root / "src/room/a.cpp").read_text() + "int g();\n")
        with self.assertRaisesRegex(SystemExit, "not committed"):
            self.measured("--record")

    def test_record_without_history(self):
        self.measured("--record")
        (self.root / ".git").rename(self.root / "elsewhere")
        status, _, err = self.verdict("--check")
        self.assertEqual(status, 0)
        self.assertIn("no history here", err)

    def test_row_of_the_record_without_file(self):
        self.measured("--record")
        self.put("coverage/table.tsv", report.TABLE.read_text() + "src/room/b.cpp\t1\t1\t0\t0\n")
        self.refused("src/room/b.cpp: in table.tsv, but not in the tree", "--check")


if __name__ == "__main__":
    unittest.main()
