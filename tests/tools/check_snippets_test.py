#!/usr/bin/env python3
"""check_snippets_test.py ROOT: tools/check-snippets on small trees."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = os.path.join(sys.argv.pop(1), "tools/check-snippets")
CODE = "int x;\n// [part]\n  int y;\n    int z;\n// [/part]\n"
BLOCK = "<!-- a.cpp#part -->\n```cpp\nint y;\n  int z;\n```\n"


class CheckSnippets(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.write("a.cpp", CODE)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def check(self, *options):
        command = [sys.executable, TOOL, "--root", str(self.root), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def test_accepts_what_is_quoted_exactly(self):
        self.write("docs/guide/a.md", "# A\n\n" + BLOCK)
        self.assertEqual(self.check(), (0, ""))

    def test_says_which_block_differs_and_writes_it(self):
        self.write("docs/a.md", "# A\n" + BLOCK.replace("int y", "int q"))
        status, said = self.check()
        self.assertEqual(status, 1)
        self.assertIn("docs/a.md:3", said)
        self.assertEqual(self.check("--write"), (0, ""))
        self.assertEqual((self.root / "docs/a.md").read_text(encoding="utf-8"), "# A\n" + BLOCK)

    def test_missing_parts_and_files_are_named(self):
        self.write("a.md", BLOCK.replace("#part", "#other"))
        self.assertIn("a.cpp needs one [other]", self.check()[1])
        self.write("a.md", BLOCK.replace("a.cpp", "b.cpp"))
        self.assertIn("b.cpp: No such file", self.check()[1])

    def test_the_guide_quotes_all_its_code(self):
        self.write("docs/guide/a.md", "```cpp\nint y;\n```\n")
        self.assertIn("without the comment", self.check()[1])
        self.write("docs/guide/a.md", "```sh\nls\n```\n")
        self.assertEqual(self.check(), (0, ""))

    def test_links_lead_somewhere(self):
        self.write("a.md", "# Some `heading` here\n[b](b.md) [c](#some-heading-here) [d](https://e.example/x) [f](docs)\n")
        self.write("docs/x.md", "[up](../a.md#some-heading-here)\n")
        status, said = self.check()
        self.assertEqual((status, said), (1, "a.md:2: the link leads nowhere: b.md\n"))
        self.write("b.md", "[a](a.md#none)\n")
        self.assertIn("b.md:1: no such heading", self.check()[1])


unittest.main()
