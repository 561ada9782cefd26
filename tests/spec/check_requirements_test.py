#!/usr/bin/env python3
"""The requirements check must itself be seen to fail: one fault at a time is planted in a small good tree."""

import contextlib
import importlib.util
import io
import pathlib
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "spec/check_requirements.py"
sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("check_requirements", SCRIPT)
check = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check)

CITE = "//" + "="  # in two pieces: this file cites nothing
HEADER = "\t".join(check.COLUMNS) + "\n"
ROWS = {
    "QUE-01": "QUE-01\tqmgr\tqueues\tclaim\thow\tmet\tScan.Imports, live:delivery\t\n",
    "QUE-02": "QUE-02\tqmgr\tqueues\tclaim\thow\tmet\tScan.*;ctest:rows\t\n",
    "QUE-03": "QUE-03\toqmgr\tqueues\tclaim\thow\topen\t\tpersonalities issue\n",
    "QUE-04": "QUE-04\tqmgr\tqueues\tclaim\thow\thistory\t\tsince 2.4\n",
}


class CheckRequirements(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weir-rows-")
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.put("spec/requirements.tsv", HEADER + "".join(ROWS.values()))
        self.put("spec/requirement_ids.txt", "\n".join(ROWS) + "\n")
        self.put("spec/intake.md", "Scans (QUE-01).\n")
        self.put("spec/divergences.md", "| id | a | check |\n|---|---|---|\n| DV-01 | x | `Scan.Imports` |\n")
        self.put("tests/scan_test.cpp", f"{CITE} R-QUE-01, R-QUE-02 test\nTEST(Scan,\n     Imports) {{}}\nRC_GTEST_PROP(Scan, fair, (int x)) {{}}\n")
        self.put("tests/postfix/cases.py", '@case("delivery", "mail goes out")\ndef delivery(): pass\n')
        self.put("tests/CMakeLists.txt", "add_test(NAME rows COMMAND x)\n")
        self.put("src/scan.cpp", f"void f();  {CITE} R-QUE-02  why\n{CITE} DV-01\n")

    def put(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def rows(self, **changed):
        rows = {**ROWS, **{name.replace("_", "-"): row for name, row in changed.items()}}
        self.put("spec/requirements.tsv", HEADER + "".join(row for row in rows.values() if row))

    def verdict(self):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = check.main(["--root", str(self.root)])
        return status, out.getvalue(), err.getvalue()

    def refused(self, words):
        status, _, err = self.verdict()
        self.assertEqual(status, 1)
        self.assertIn(words, err)
        self.assertEqual(err.count("\n"), 1, err)

    def test_good_tree_passes_and_is_counted(self):
        status, out, err = self.verdict()
        self.assertEqual((status, err), (0, ""))
        self.assertIn("4 rows: 2 met, 1 open, 0 documentation, 1 history; 1 divergences", out)
        self.assertIn("2 ids cited at code, 2 at checks", out)

    def test_missing_gtest(self):
        self.rows(QUE_01="QUE-01\tqmgr\ts\tc\th\tmet\tScan.Exports\t\n")
        self.refused("QUE-01: no such check: Scan.Exports")

    def test_missing_live_case(self):
        self.rows(QUE_01="QUE-01\tqmgr\ts\tc\th\tmet\tlive:nothing\t\n")
        self.refused("QUE-01: no such check: live:nothing")

    def test_missing_ctest(self):
        self.rows(QUE_02="QUE-02\tqmgr\ts\tc\th\tmet\tctest:none\t\n")
        self.refused("QUE-02: no such check: ctest:none")

    def test_pattern_without_match(self):
        self.rows(QUE_02="QUE-02\tqmgr\ts\tc\th\tmet\tTurn.*\t\n")
        self.refused("QUE-02: no such check: Turn.*")

    def test_instances_are_recorded_files_or_literals(self):
        self.put("tests/vectors/schedules/09-window.jsonl", "")
        self.put("tests/replay_test.cpp", 'TEST_P(Schedules, AreReproduced) {}\nauto x = "rule_one";\n')
        row = "QUE-01\tqmgr\ts\tc\th\tmet\tSchedules.AreReproduced/%s\t\n"
        for good in ("09_window", "rule_one"):
            self.rows(QUE_01=row % good)
            self.assertEqual(self.verdict()[0], 0)
        self.rows(QUE_01=row % "10_missing")
        self.refused("QUE-01: no such check: Schedules.AreReproduced/10_missing")

    def test_met_without_check(self):
        self.rows(QUE_02="QUE-02\tqmgr\ts\tc\th\tmet\t\t\n")
        self.refused("QUE-02: met, but no check is named")

    def test_open_without_reason(self):
        self.rows(QUE_03="QUE-03\toqmgr\ts\tc\th\topen\t\t\n")
        self.refused("QUE-03: open without a reason")

    def test_unknown_status(self):
        self.rows(QUE_04="QUE-04\tqmgr\ts\tc\th\tmaybe\t\t\n")
        self.refused("QUE-04: no such status")

    def test_lost_id(self):
        self.rows(QUE_04="")
        self.refused("QUE-04: lost")

    def test_double_id(self):
        self.rows(QUE_04=ROWS["QUE-04"] * 2)
        self.refused("QUE-04: stands 2 times")

    def test_id_that_is_not_frozen(self):
        self.rows(QUE_05="QUE-05\tqmgr\ts\tc\th\thistory\t\t\n")
        self.refused("QUE-05: not in requirement_ids.txt")

    def test_short_row(self):
        self.rows(QUE_04=ROWS["QUE-04"] + "QUE-04\n")
        self.refused("1 cells")

    def test_citation_of_nothing(self):
        self.put("src/scan.cpp", f"{CITE} R-QUE-09 test\n")
        self.refused("src/scan.cpp:1: cites QUE-09")

    def test_citation_without_its_mark(self):
        self.put("src/scan.cpp", f"{CITE} QUE-02\n")
        self.refused("src/scan.cpp:1: cites QUE-02 without R-")

    def test_exception_without_a_reason(self):
        self.put("src/scan.cpp", f"{CITE} R-QUE-02 exception: another program's work\n")
        self.assertEqual(self.verdict()[0], 0)
        self.put("src/scan.cpp", f"{CITE} R-QUE-02 exception:\n")
        self.refused("src/scan.cpp:1: QUE-02: exception without a reason")

    def test_chapter_that_speaks_of_nothing(self):
        self.put("spec/intake.md", "As PAR-999 says.\n")
        self.refused("spec/intake.md: speaks of PAR-999")

    def test_code_that_speaks_of_no_divergence(self):
        self.put("src/scan.cpp", "f();  // otherwise: " + "DV-" + "77\n")
        self.refused("src/scan.cpp:1: speaks of DV-" + "77")

    def test_divergence_without_check(self):
        self.put("spec/divergences.md", "| DV-01 | x | nothing |\n")
        self.refused("DV-01: names neither a check nor why")

    def test_tables_of_tests(self):
        table = "| promise | test |\n|---|---|\n| it scans | `Scan.Imports` |\n"
        self.put("spec/security.md", table + "\n| other | table |\n|---|---|\n| x | y |\n")
        self.assertEqual(self.verdict()[0], 0)
        for row, words in (("| it flies | `Scan.Never` |", "no such check: Scan.Never"), ("| it swims | |", "names no test"),
                           ("| it sings | well |", "names no test")):
            self.put("spec/security.md", table + row + "\n")
            self.refused(f"spec/security.md:4: {words}")

    def test_divergence_with_a_missing_check(self):
        self.put("spec/divergences.md", "| DV-01 | x | `Scan.Never` |\n")
        self.refused("DV-01: no such check: Scan.Never")


if __name__ == "__main__":
    unittest.main()
