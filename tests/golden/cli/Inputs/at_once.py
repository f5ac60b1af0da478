"""Runs a command so many times at once with one compile cache, and prints what all of them print."""
import os
import subprocess
import sys

environment = {**os.environ, "STRATA_CACHE": sys.argv[2]}
started = [subprocess.Popen(sys.argv[3:], env=environment, stdout=subprocess.PIPE) for _ in range(int(sys.argv[1]))]
for process in started:
    output, _ = process.communicate()
    sys.stdout.write(output.decode())
    assert process.returncode == 0
