"""changed_tidy finds a bug in a changed file and looks at nothing else."""
import json
import os
import shutil

import scratch_tree

BAD = "int f(int x) {\n  if (x > 0) {\n    return 1;\n  } else {\n    return 2;\n  }\n}\n"


class ChangedTidy(scratch_tree.ToolTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("clang-tidy-19"):
            self.skipTest("clang-tidy-19 is not installed")
        shutil.copy(os.path.join(scratch_tree.ROOT, ".clang-tidy"), os.path.join(self.root, ".clang-tidy"))
        self.run_in_tree("git", "init", "-q")
        self.write("strata/old.cpp", BAD)
        commands = [{"directory": self.root, "file": f"{self.root}/{name}", "command": f"g++ -std=c++20 -c {self.root}/{name}"}
                    for name in ("strata/old.cpp", "strata/new.cpp")]
        self.write("build/release/compile_commands.json", json.dumps(commands, indent=1))
        self.write(".gitignore", "build\n")
        self.run_in_tree("git", "add", ".")
        self.run_in_tree("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "why")

    def test_accepts_a_sound_changed_file_beside_an_unsound_old_one(self):
        self.write("strata/new.cpp", "int f(int x) { return x; }\n")
        self.assertIn("1 files looked at, 0 with findings", self.accepts("changed_tidy", "--base", "HEAD"))

    def test_refuses_a_finding_in_a_changed_file(self):
        self.write("strata/new.cpp", BAD)
        self.refuses("readability-else-after-return", "changed_tidy", "--base", "HEAD")

    def test_names_what_the_budget_left_out(self):
        self.write("strata/new.cpp", BAD)
        self.assertIn("not looked at: strata/new.cpp", self.accepts("changed_tidy", "--base", "HEAD", "--budget", "0"))


scratch_tree.main()
