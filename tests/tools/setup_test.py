"""setup installs only what is missing or too old, says nothing when nothing is, and explains itself when it can't."""
import os
import shutil

import scratch_tree

DPKG_QUERY = """#!/bin/sh
[ "$2" = '-f' ] && [ $# -eq 4 ] && [ -f "installed.$4" ] && { cat "installed.$4"; exit 0; }
cat have
"""
# Stands for apt-get: notes how it was called; fails when told to.
APT = """#!/bin/sh
echo "$@" >> calls
case "$*" in *install*) [ -f offline ] && { echo 'E: Unable to fetch some archives'; exit 100; }; echo 9.9 > installed.two ;; esac
exit 0
"""
PACKAGES = "# packages\none | build | -   | why\ntwo | build | 2.0 | why\nten | test  | -   | why\n"


class Setup(scratch_tree.ToolTest):
    def setUp(self):
        super().setUp()
        os.makedirs(os.path.join(self.root, "tools"))
        shutil.copy(os.path.join(scratch_tree.ROOT, "tools/setup"), os.path.join(self.root, "tools/setup"))
        self.write("tools/packages.txt", PACKAGES)
        self.write("bin/dpkg-query", DPKG_QUERY, executable=True)
        self.write("bin/apt-get", APT, executable=True)
        self.write("bin/sudo", "#!/bin/sh\n[ \"$1\" = -n ] && shift\nexec \"$@\"\n", executable=True)

    def setup_tool(self, *arguments):
        environment = dict(os.environ, PATH=self.root + "/bin:" + os.environ["PATH"])
        environment.pop("STRATA_SKIP_SETUP", None)
        return self.run_in_tree("bash", "tools/setup", *arguments, env=environment)

    def calls(self):
        path = os.path.join(self.root, "calls")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8") as file:
            return file.read()

    def test_says_and_does_nothing_when_all_is_there(self):
        self.write("have", "one 1.0 installed\ntwo 2.1 installed\n")
        self.assertEqual(self.setup_tool("build"), (0, ""))
        self.assertEqual(self.calls(), "")

    def test_installs_what_is_missing_and_what_is_too_old(self):
        self.write("have", "one 1.0 deinstalled\ntwo 1.9 installed\nten 1 installed\n")
        code, output = self.setup_tool()
        self.assertEqual(code, 0, output)
        self.assertRegex(self.calls(), r"update\n.*install --no-install-recommends one two\n$")

    def test_leaves_out_other_groups(self):
        self.write("have", "one 1.0 installed\ntwo 2.1 installed\n")
        self.assertEqual(self.setup_tool("build"), (0, ""))
        self.setup_tool("build", "test")
        self.assertIn("install --no-install-recommends ten", self.calls())

    def test_explains_a_failed_download(self):
        self.write("have", "two 2.1 installed\n")
        self.write("offline", "")
        code, output = self.setup_tool("build")
        self.assertEqual(code, 2)
        self.assertIn("E: Unable to fetch some archives", output)
        self.assertIn("is the network up", output)

    def test_refuses_an_unknown_group(self):
        code, output = self.setup_tool("bulid")
        self.assertEqual(code, 2)
        self.assertIn("unknown group 'bulid'", output)


scratch_tree.main()
