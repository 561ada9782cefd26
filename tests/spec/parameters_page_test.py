#!/usr/bin/env python3
"""The tables of spec/parameters.md say what the table in src/contract/parameter.hpp says: names and defaults."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "spec/parameters.md").read_text(encoding="utf-8")
HEADER = (ROOT / "src/contract/parameter.hpp").read_text(encoding="utf-8")

ROW = re.compile(r'"(\w+)",\s*"((?:[^"\\]|\\.|"\s*")*)",\s*"(\w*)"\s*\}')
NAMES = {name: default for name, default, _ in ROW.findall(HEADER)}
OWN = dict(re.findall(r'\{"(weir_\w+)", WeirParameter::Kind::(?!flag)\w+, "([^"]*)"', HEADER))
HABITS = dict(re.findall(r'\{"(weir_\w+)", WeirParameter::Kind::flag, "([^"]*)"', HEADER))
SUFFIXES = {suffix: (name, default) for name, default, suffix in ROW.findall(HEADER)
            if suffix.startswith("_")}


def table(after):
    """The cells of the table below a heading, without its head."""
    text = PAGE.split(after, 1)[1]
    lines = text.splitlines()
    end = next((i for i, line in enumerate(lines) if line.startswith("#")), len(lines))
    rows = [line for line in lines[:end] if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows[2:]]


def quoted(cell):
    return re.findall(r"`([^`]+)`", cell)


class ParametersPage(unittest.TestCase):
    def test_the_header_was_understood(self):
        self.assertGreater(len(NAMES), 100)
        self.assertGreater(len(SUFFIXES), 14)

    def test_defaults_of_the_brain(self):
        rows = table("## What the brain uses")
        self.assertGreater(len(rows), 10)
        for cells in rows:
            names, defaults = quoted(cells[0]), cells[1].split(", ")
            if names == ["myhostname"]:
                continue
            self.assertEqual(len(names), len(defaults), cells)
            for name, default in zip(names, defaults):
                self.assertIn(name, NAMES)
                self.assertEqual(NAMES[name], "" if default == "empty" else default, name)

    def test_forms_for_one_transport(self):
        rows, seen = table("### One transport at a time"), set()
        for cells in rows:
            suffixes, values = quoted(cells[0]), [value.split(";")[0] for value in cells[2].split(", ")]
            self.assertEqual(len(suffixes), len(values), cells)
            for suffix, value in zip(suffixes, values):
                name, default = SUFFIXES[suffix]
                prefix = "default" if "default_" in cells[1] else ""
                self.assertEqual(name, (prefix + suffix) if prefix else suffix.lstrip("_"))
                self.assertEqual(default, value, name)
                seen.add(suffix)
        self.assertEqual(seen, set(SUFFIXES))

    def test_the_built_in_exception_for_local(self):
        self.assertEqual(NAMES["local_destination_concurrency_limit"], "2")
        self.assertEqual(NAMES["local_destination_recipient_limit"], "1")
        self.assertIn("20; `local` 2", PAGE)
        self.assertIn("50; `local` 1", PAGE)

    def test_weirs_own(self):
        rows = {quoted(cells[0])[0]: cells[1].strip("`") for cells in table("## Weir's own")}
        no_text = ("empty", "the name that it runs under")
        self.assertEqual({name: "" if value in no_text else value for name, value in rows.items()}, OWN)
        self.assertGreater(len(OWN), 3)

    def test_habits(self):
        self.assertEqual(set(HABITS.values()), {"no"})
        self.assertEqual(set(HABITS) - set(quoted(PAGE)), set())
        personalities = (ROOT / "spec/personalities.md").read_text(encoding="utf-8")
        rows = personalities.split("## Habits", 1)[1].split("\n##", 1)[0]
        described = re.findall(r"^\| `(weir_\w+)`", rows, re.MULTILINE)
        self.assertEqual(sorted(described), sorted(HABITS))

    def test_every_name_of_the_page_exists(self):
        names = {name for name in re.findall(r"`(\w+)`", PAGE) if "_" in name and not name.startswith("_")}
        families = {"rewrite_", "bounce_", "defer_", "trace_", "address_verify_", "flush_", "default_", "weir_"}
        set_by_itself = {"process_name", "process_id", "service_name", "config_directory"}
        elsewhere = {"allow_min_user", "notify_classes", "delay_warning_time"}
        unknown = names - set(NAMES) - set(OWN) - set(HABITS) - families - set_by_itself - elsewhere
        self.assertEqual(unknown, set())


if __name__ == "__main__":
    unittest.main()
