"""Scratch trees on which the tools are tried: each test makes one that a tool must accept and ones that it must refuse."""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class ToolTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="strata-tools-")
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def write(self, path, text, executable=False):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        if executable:
            os.chmod(full, 0o755)

    def run_in_tree(self, *command, **options):
        done = subprocess.run(command, cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, **options)
        return done.returncode, done.stdout

    def tool(self, name, *arguments, **options):
        return self.run_in_tree(os.path.join(ROOT, "tools", name), *arguments, **options)

    def accepts(self, name, *arguments, **options):
        code, output = self.tool(name, *arguments, **options)
        self.assertEqual(code, 0, output)
        return output

    def refuses(self, expected, name, *arguments, **options):
        code, output = self.tool(name, *arguments, **options)
        self.assertNotEqual(code, 0, output)
        self.assertIn(expected, output)
        return output


def main():
    unittest.main(argv=[sys.argv[0]], verbosity=1)
