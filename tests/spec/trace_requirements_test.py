#!/usr/bin/env python3
"""The trace must itself be seen to fail: one gap at a time is planted in a small good tree."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "spec"))
import trace_requirements as trace  # noqa: E402

CITE = "//" + "="  # in two pieces: this file cites nothing
HEADER = "\t".join(trace.requirements.COLUMNS) + "\n"
ROWS = {
    "QUE-01": "QUE-01\tqmgr\tqueues\timports\thow\tmet\tScan.Imports live:delivery All.Same/09_window\t\n",
    "QUE-02": "QUE-02\tqmgr\tqueues\treports\thow\tmet\tScan.*\t\n",
    "QUE-03": "QUE-03\tqmgr\tqueues\tclaim\thow\topen\t\tlater\n",
}
CASES = ["Scan.Imports", "live.cycle.delivery", "Engine.Each/All.Same/09_window  # GetParam() = 9", "Scan.Reports"]


class TraceRequirements(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weir-trace-")
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.put("spec/requirements.tsv", HEADER + "".join(ROWS.values()))
        self.put("spec/divergences.md", "")
        self.put("spec/campaign.tsv", "# words\nQUE-01\t12\n")
        self.put("src/engine/rules.hpp", 'X(que_01, "QUE-01")\n')
        self.put("src/scan.cpp", f"{CITE} R-QUE-01\n{CITE} R-QUE-02 exception: bounce does it\n")
        self.put("tests/scan_test.cpp", f"{CITE} R-QUE-01, R-QUE-02 test\nTEST(Scan, Imports) {{}}\n"
                 "TEST(Scan, Reports) {}\nTEST_P(All, Same) {}\n")
        self.put("tests/vectors/09-window.jsonl", "")
        self.put("tests/postfix/cases.py", '@case("delivery", "mail goes out")\ndef delivery(): pass\n')
        self.put("tests/scenarios/queues.txt", "=== Mail comes in\n# rows: QUE-01\n")

    def put(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def runs(self, **cases):
        """The JUnit file of a run in which all passed, but for these: a name (`.`, `/` as `_`) with what it says."""
        def case(name):
            status, inside = cases.get(name.split(" ")[0].replace(".", "_").replace("/", "_"), ("run", ""))
            return f'<testcase name="{name}" status="{status}">{inside}</testcase>'
        self.put("build/dev/junit-tests.xml", f"<testsuite>{''.join(map(case, CASES))}</testsuite>")

    def verdict(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = trace.main(["--root", str(self.root), *arguments])
        return status, out.getvalue(), err.getvalue()

    def refused(self, words, *arguments):
        status, _, err = self.verdict(*arguments)
        self.assertEqual(status, 1)
        self.assertIn(words, err)
        self.assertEqual(err.count("\n"), 1, err)

    def test_good_tree_passes_and_is_shown(self):
        self.runs()
        status, out, err = self.verdict("--ran", "--tsv", str(self.root / "t.tsv"), "--html", str(self.root / "t.html"))
        self.assertEqual((status, err), (0, ""))
        for words in ("src/scan.cpp:1", "passed in the last runs: 3 of 3", "12 decisions", "Mail comes in",
                      "exception: bounce does it", "2 met rows: 1 cited at code, 1 with an exception, 2 at checks"):
            self.assertIn(words, out)
        rows = (self.root / "t.tsv").read_text().splitlines()
        self.assertEqual([row.split("\t")[0] for row in rows], ["id", "QUE-01", "QUE-02", "QUE-03"])
        self.assertEqual((self.root / "t.html").read_text().count("<tr>"), 4)

    def test_row_without_code(self):
        self.put("src/scan.cpp", f"{CITE} R-QUE-01\n")
        self.refused("QUE-02: no line of src/ or model/ cites it")

    def test_code_elsewhere_is_no_code(self):
        self.put("src/scan.cpp", f"{CITE} R-QUE-01\n")
        self.put("bench/world.cpp", f"{CITE} R-QUE-02\n")
        self.refused("QUE-02: no line of src/ or model/ cites it")

    def test_row_that_no_check_cites(self):
        self.put("tests/scan_test.cpp", f"{CITE} R-QUE-01 test\nTEST(Scan, Imports) {{}}\nTEST(Scan, Reports) {{}}\n"
                 "TEST_P(All, Same) {}\n")
        self.refused("QUE-02: no check cites it")

    def test_row_with_a_check_that_does_not_exist(self):
        self.put("tests/postfix/cases.py", "")
        self.refused("QUE-01: no such check: live:delivery")

    def test_exception_without_a_reason(self):
        self.put("src/scan.cpp", f"{CITE} R-QUE-01\n{CITE} R-QUE-02 exception\n")
        self.refused("src/scan.cpp:2: QUE-02: exception without a reason")

    def test_id_that_does_not_exist(self):
        self.put("src/more.cpp", f"{CITE} R-QUE-09\n")
        self.refused("src/more.cpp:1: cites QUE-09")

    def test_scenario_of_an_id_that_does_not_exist(self):
        self.put("tests/scenarios/queues.txt", "=== Mail comes in\n# rows: QUE-09\n")
        self.refused("Mail comes in: speaks of QUE-09")

    def test_rule_that_was_not_counted(self):
        self.put("src/engine/rules.hpp", 'X(que_01, "QUE-01") X(que_02, "QUE-02")\n')
        self.refused("QUE-02: a rule that the recorded campaign does not know")

    def test_count_of_no_rule(self):
        self.put("spec/campaign.tsv", "QUE-01\t12\nQUE-02\t1\n")
        self.refused("QUE-02: in campaign.tsv, but no rule")

    def test_rule_never_hit(self):
        self.put("spec/campaign.tsv", "QUE-01\t0\n")
        self.refused("QUE-01: the campaign never hits it")

    def test_check_that_did_not_run(self):
        self.runs(live_cycle_delivery=("notrun", "<skipped/>"))
        self.assertEqual(self.verdict()[0], 0)
        self.refused("QUE-01: live:delivery did not run", "--ran")

    def test_check_that_failed(self):
        self.runs(Engine_Each_All_Same_09_window=("fail", "<failure/>"))
        self.refused("QUE-01: All.Same/09_window failed", "--ran")

    def test_suite_of_which_one_failed(self):
        self.runs(Scan_Reports=("fail", "<failure/>"))
        self.refused("QUE-02: Scan.* failed", "--ran")


if __name__ == "__main__":
    unittest.main()
