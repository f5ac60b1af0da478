"""What the checks read: the files of the tree, and C++ code without its comments and strings.

Works on any folder, a git checkout or a scratch copy, so that each check can be tested on a tree made to fail it.
"""
import os
import re

SKIPPED = {".git", "build", "runs", ".cache", "third_party", "__pycache__"}
CPP = (".h", ".cpp", ".inc")


def files(root, suffixes=None, under=()):
    """Paths relative to root, sorted; only those with a suffix, only below the folders `under` when given."""
    found = []
    for start in under or ("",):
        for folder, subfolders, names in os.walk(os.path.join(root, start)):
            subfolders[:] = sorted(name for name in subfolders if name not in SKIPPED)
            for name in sorted(names):
                if suffixes is None or name.endswith(tuple(suffixes)):
                    found.append(os.path.relpath(os.path.join(folder, name), root))
    return found


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


_NOISE = re.compile(
    r'R"([^()\s\\]*)\((?:.|\n)*?\)\1"'  # raw strings
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'"  # not the digit separator of 1'000
    r"|//[^\n]*"
    r"|/\*(?:.|\n)*?\*/")


def code_only(text):
    """C++ text with comments, strings and characters blanked out; line numbers stay."""
    return _NOISE.sub(lambda match: '""' if "\n" not in match[0] else "\n" * match[0].count("\n"), text)


def is_test(path):
    """Also what tests share: tests/ and each strata/FOLDER/testing/."""
    parts = path.split("/")
    is_support = parts[0] == "tests" or parts[0] == "strata" and parts[2:3] == ["testing"]
    return is_support or path.endswith(("_test.cpp", "_fuzz.cpp"))


def finish(name, problems, fine):
    """Prints the problems, or the line that says all is well; returns the exit code."""
    for problem in problems:
        print(problem)
    print(f"{name}: {len(problems)} problem(s)" if problems else f"{name}: {fine}")
    return 1 if problems else 0
