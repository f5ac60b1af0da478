#!/usr/bin/env python3
"""Networks for images in evaluation mode: the other side of bench/suites/image_inference.cpp.

setup {"workload": "resnet50" | "mobilenet_v2", "batch", "pixels", "threads"}; run {"mode": "ONNX Runtime" | "torch.compile" |
"eager"} -> seconds of a batch. ONNX Runtime gets the model as PyTorch exports it, weights made up, and folds its norms into
them; of PyTorch the faster of the two memory layouts counts.
"""
import os
import tempfile
import time

from line_protocol import serve
from timing import seconds_of

state = {}


def onnx_session(model, x, threads):
    import onnxruntime
    import torch

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        torch.onnx.export(model, (x,), path, input_names=["x"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Its threads would keep spinning while the other side is timed.
        options.add_session_config_entry("session.intra_op.allow_spinning", "1")
        options.add_session_config_entry("session.force_spinning_stop", "1")
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def fastest(calls):
    def least(call):
        call()
        times = []
        for _ in range(4):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        return min(times)

    return min(calls, key=least)


def setup(request):
    import copy

    import torch
    import torch_models

    torch.set_num_threads(request["threads"])
    torch.manual_seed(0)
    model = getattr(torch_models, request["workload"])().eval()
    x = torch.randn(request["batch"], 3, request["pixels"], request["pixels"])
    session = onnx_session(model, x, request["threads"])
    image = x.numpy()

    def torch_call(layout, is_compiled):
        laid = copy.deepcopy(model).to(memory_format=layout)  # in place otherwise, for both layouts
        run = torch.compile(laid) if is_compiled else laid
        y = x.to(memory_format=layout)

        def call():
            with torch.inference_mode():
                return run(y)

        return call

    layouts = (torch.channels_last, torch.contiguous_format)
    state["ONNX Runtime"] = lambda: session.run(None, {"x": image})
    state["eager"] = fastest([torch_call(layout, False) for layout in layouts])
    state["torch.compile"] = fastest([torch_call(layout, True) for layout in layouts])
    state["threads"] = request["threads"]

    import onnxruntime

    versions = {"ONNX Runtime": onnxruntime.__version__, "PyTorch": torch.__version__.split("+")[0]}
    return {"peer": "ONNX Runtime", "version": versions["ONNX Runtime"], "versions": versions}


def run(request):
    return {"seconds": seconds_of(state[request["mode"]], state["threads"])}


serve(setup, run)
