"""check_docs refuses stale reference pages, dead links and shell blocks that fail."""
import scratch_tree

BINARY = """#!/bin/sh
case "$1" in
  ops) printf '# Ops\\n\\nadd\\n' ;;
  *) echo "unknown command" >&2; exit 1 ;;
esac
"""


class CheckDocs(scratch_tree.ToolTest):
    def setUp(self):
        super().setUp()
        self.write("build/release/strata", BINARY, executable=True)
        self.write("docs/reference/ops.md", "# Ops\n\nadd\n")
        self.write("README.md", "[ops](docs/reference/ops.md)\n")

    def refused(self, expected):
        return self.refuses(expected, "check_docs", "--root", self.root)

    def test_accepts_equal_pages_and_names_commands_that_do_not_exist_yet(self):
        self.assertIn("not checked: docs/reference/passes.md", self.accepts("check_docs", "--root", self.root))

    def test_refuses_a_stale_page_and_says_where_it_differs(self):
        self.write("docs/reference/ops.md", "# Ops\n\nsub\n")
        self.refused("line 3: the page has 'sub', the binary prints 'add'")

    def test_refuses_a_missing_page_until_it_is_written(self):
        self.run_in_tree("rm", "docs/reference/ops.md")
        self.write("README.md", "\n")
        self.refused("docs/reference/ops.md: it is missing")
        self.accepts("check_docs", "--root", self.root, "--write")
        self.accepts("check_docs", "--root", self.root)

    def test_refuses_a_page_whose_command_is_gone(self):
        self.write("docs/reference/passes.md", "# Passes\n")
        self.refused("`strata passes --markdown` prints no such page")

    def test_refuses_a_dead_link(self):
        self.write("docs/tour.md", "See [that](nowhere.md#part).\n")
        self.refused("docs/tour.md: link to nowhere.md")

    def test_refuses_a_translation_that_fell_behind(self):
        page = "# Strata\n\nText, [ops](docs/reference/ops.md).\n\n```sh\nmake demo  # trains\n```\n\n| a | b |\n"
        self.write("README.md", page)
        self.write("README.zh.md", page.replace("Text", "文字").replace("trains", "训练"))
        self.accepts("check_docs", "--root", self.root)
        for old, new in [("# Strata\n", "# Strata\n\n## More\n"), ("[ops](docs/reference/ops.md)", "ops"), ("make demo", "make test"),
                         ("| a | b |\n", "| a | b |\n| c | d |\n"), ("```\n\n|", "```\n\nmore\n\n|")]:
            self.write("README.zh.md", page.replace(old, new))
            self.refused("README.zh.md: its ")

    def test_runs_marked_shell_blocks_with_the_binary_on_the_path(self):
        self.write("docs/guide.md", "```sh run\nstrata ops | grep -q add\n```\n\n```sh\nfalse\n```\n")
        self.assertIn("1 shell blocks ran", self.accepts("check_docs", "--root", self.root))
        self.write("docs/guide.md", "```sh run\nfalse\ntrue\n```\n")
        self.refused("docs/guide.md: this block ends with 1")


scratch_tree.main()
