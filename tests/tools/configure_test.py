"""configure runs CMake once, and again when packages that the build looks for were installed, removed or replaced."""
import os
import shutil

import scratch_tree

# Stands for cmake: notes that it was called and leaves what it would.
CMAKE = """#!/bin/sh
echo "$@" >> calls
[ -f broken ] && { echo 'CMake Error: nothing works'; exit 1; }
touch build/release/build.ninja
"""


class Configure(scratch_tree.ToolTest):
    def setUp(self):
        super().setUp()
        os.makedirs(os.path.join(self.root, "tools"))
        shutil.copy(os.path.join(scratch_tree.ROOT, "tools/configure"), os.path.join(self.root, "tools/configure"))
        self.write("tools/packages.txt", "# packages\nninja-build | build | - | why\nlibdnnl-dev | bench | - | the peer\n")
        self.write("bin/cmake", CMAKE, executable=True)
        self.write("bin/dpkg-query", '#!/bin/sh\necho "$@" >> queries\ncat have\nexit 1\n', executable=True)
        self.write("have", "ninja-build 1 installed\n")

    def configure(self):
        environment = dict(os.environ, PATH=self.root + "/bin:" + os.environ["PATH"])
        return self.run_in_tree("bash", "tools/configure", "release", env=environment)

    def calls(self):
        path = os.path.join(self.root, "calls")
        if not os.path.exists(path):
            return 0
        with open(path, encoding="utf-8") as file:
            return len(file.readlines())

    def test_runs_once_while_nothing_changes(self):
        for _ in range(3):
            self.assertEqual(self.configure(), (0, ""))
        self.assertEqual(self.calls(), 1)

    def test_looks_again_when_a_package_came_changed_or_went(self):
        self.configure()
        for call, have in enumerate(["ninja-build 1 installed\nlibdnnl-dev 3 installed\n", "ninja-build 2 installed\n", ""], 2):
            self.write("have", have)
            self.assertEqual(self.configure(), (0, ""))
            self.assertEqual(self.calls(), call)
            self.configure()
            self.assertEqual(self.calls(), call)

    def test_asks_for_the_packages_of_every_group(self):
        self.configure()
        with open(os.path.join(self.root, "queries"), encoding="utf-8") as file:
            self.assertIn("ninja-build libdnnl-dev", file.read())

    def test_tries_again_after_a_failure_and_shows_it(self):
        self.write("broken", "")
        code, output = self.configure()
        self.assertEqual(code, 2)
        self.assertIn("nothing works", output)
        os.remove(os.path.join(self.root, "broken"))
        self.assertEqual(self.configure(), (0, ""))
        self.assertEqual(self.calls(), 2)


scratch_tree.main()
