#!/usr/bin/env python3
"""Checks with the `tensorboard` package that it reads the event files of strata/report/events as they were meant.

    tools/golden/tensorboard_events.py build/release/strata/report/strata_report_test

Lets that test program write its demo run (EventFile.ADemoRunHasEveryKindOfEvent) and reads it back. Skips, with exit code 0,
when the package is not installed. Nothing that a test runs needs Python.
"""
import math
import os
import subprocess
import sys
import tempfile

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    print("skipped: the Python package tensorboard is not installed")
    sys.exit(0)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], "--gtest_filter=EventFile.ADemoRun*"], check=True, stdout=subprocess.DEVNULL,
                       env=os.environ | {"STRATA_REPORT_DEMO": folder})
        run = EventAccumulator(os.path.join(folder, "events"), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
        run.Reload()
    losses = [(event.step, event.value) for event in run.Scalars("loss/train")]
    wanted = [(0, 1.0), (1, 0.5), (2, 1 / 3), (3, 10.0)]  # steps 3 and 4 of the first part are dropped by the resume
    assert len(losses) == len(wanted), losses
    assert all(a[0] == b[0] and math.isclose(a[1], b[1], rel_tol=1e-6) for a, b in zip(losses, wanted)), losses
    assert math.isnan(run.Scalars("loss/nan")[0].value)
    image = run.Images("samples/grid")[0]
    assert (image.step, image.width, image.height) == (4, 3, 2), image
    assert image.encoded_image_string.startswith(b"\x89PNG\r\n\x1a\n")
    text = run.Tensors("samples/text")[0].tensor_proto.string_val[0].decode()
    assert text == "gr\u00fcn \ufffd", text
    assert run.SummaryMetadata("samples/text").plugin_data.plugin_name == "text"
    print("tensorboard reads the scalars, the resume, the picture and the text")


if __name__ == "__main__":
    main()
