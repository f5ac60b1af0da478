"""Installs the build folder named on the command line, and builds and runs the program of README.md against it, by find_package alone."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def block(page, language):
    """The first block of code of README.md in the language."""
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        return re.search(rf"^```{language}\n(.*?)^```", file.read(), re.DOTALL | re.MULTILINE)[1]


class Install(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="strata-install-")
        self.addCleanup(folder.cleanup)
        self.folder, self.prefix = folder.name, os.path.join(folder.name, "prefix")
        self.run_command("cmake", "--install", build, "--prefix", self.prefix)

    def run_command(self, *command, expected=0):
        done = subprocess.run(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)
        self.assertEqual(done.returncode == 0, expected == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}")
        return done.stdout

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def configure(self, expected=0):
        return self.run_command("cmake", "-G", "Ninja", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={self.prefix}",
                                f"-DCMAKE_CXX_COMPILER={compiler}", expected=expected)

    def test_the_readme_program_builds_and_runs_and_other_versions_are_refused(self):
        cmake = block("README.md", "cmake")
        self.write("line.cpp", block("README.md", "cpp"))
        self.write("CMakeLists.txt", cmake)
        self.configure()
        self.run_command("ninja", "-C", "build")
        self.assertEqual(self.run_command("build/line"), "y = 2.00 x + 1.00\n")
        self.assertIn("sqrt", self.run_command(os.path.join(self.prefix, "bin/strata"), "ops", "sqrt"))
        self.write("CMakeLists.txt", cmake.replace("find_package(strata", "find_package(strata 7.5"))
        self.assertIn("7.5", self.configure(expected=1))

    def test_no_header_is_installed_that_programs_do_not_need(self):
        names = [name for _, _, files in os.walk(os.path.join(self.prefix, "include")) for name in files]
        self.assertIn("strata.h", names)
        for name in ("jit.h", "norm.h", "resnet.h"):
            self.assertIn(name, names)
        self.assertFalse([name for name in names if not name.endswith(".h") or name in ("kernel_emitter.h", "random_program.h")])

    def test_what_is_installed_is_what_make_build_builds(self):
        made = subprocess.run(["ninja", "-C", build, "-t", "inputs", "strata"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        made = {os.path.join(build, name) for name in made} | {os.path.join(build, "strata")}
        installed = set()
        for folder, _, files in os.walk(build):
            if "cmake_install.cmake" in files:
                with open(os.path.join(folder, "cmake_install.cmake"), encoding="utf-8") as file:
                    installed |= set(re.findall(rf'FILES "({re.escape(build)}/[^"]*(?:\.a|/strata))"', file.read()))
        self.assertIn(os.path.join(build, "libstrata_c.a"), installed)
        self.assertGreater(len(installed), 10)
        self.assertEqual(sorted(installed - made), [])


build, compiler = sys.argv[1:3]
unittest.main(argv=sys.argv[:1], verbosity=1)
