#!/usr/bin/env python3
"""What goes by rows in PyTorch, eager and through torch.compile: the other side of bench/suites/rows.cpp.

setup {"what", "rows", "width", "threads"}; run {"mode": "eager" | "torch.compile", "gradient": bool} -> seconds of one
call. With one thread seconds are CPU time, with more they are wall time, as on our side.
"""
from line_protocol import serve
from timing import modes_with_gradient, seconds_of

state = {}


def setup(request):
    import torch
    from torch.nn import functional as F

    torch.set_num_threads(request["threads"])
    torch.manual_seed(0)
    rows, width = request["rows"], request["width"]
    x = torch.randn(rows, width, requires_grad=True)
    weight = torch.randn(width, requires_grad=True)
    bias = torch.randn(width, requires_grad=True)
    targets = torch.randint(0, width, (rows,))
    functions = {
        "softmax": (lambda x: F.softmax(x, -1), [x]),
        "scale, ReLU, square, sum": (lambda x: F.relu(x * 1.5 + 0.25).square() + x, [x]),
        "GELU": (lambda x: F.gelu(x), [x]),
        "LayerNorm": (lambda x, w, b: F.layer_norm(x, (width,), w, b), [x, weight, bias]),
        "RMSNorm": (lambda x, w: F.rms_norm(x, (width,), w, 1e-6), [x, weight]),
        "cross-entropy": (lambda x: F.cross_entropy(x, targets), [x]),
    }
    f, arguments = functions[request["what"]]
    dy = torch.ones(()) if request["what"] == "cross-entropy" else torch.randn(rows, width)

    state.update(modes_with_gradient(f, torch.compile(f), arguments, dy), threads=request["threads"])
    return {"peer": "PyTorch", "version": torch.__version__.split("+")[0]}


def run(request):
    return {"seconds": seconds_of(state[request["mode"], request["gradient"]], state["threads"])}


serve(setup, run)
