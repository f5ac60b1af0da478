#!/usr/bin/env python3
"""Sums over all pairs of points in PyTorch, eager and through torch.compile: the other side of bench/suites/pairs.cpp.

setup {"points", "threads"}; run {"mode": "eager" | "torch.compile", "gradient": bool} -> seconds of one call. With one
thread seconds are CPU time, with more they are wall time, as on our side.
"""
from line_protocol import serve
from timing import modes_with_gradient, seconds_of

state = {}


def setup(request):
    import torch

    torch.set_num_threads(request["threads"])
    torch.manual_seed(0)
    n = request["points"]
    x, y, b = (torch.randn(*shape, requires_grad=True) for shape in [(n, 3), (n, 3), (n,)])

    def radial_basis(x, y, b):
        d = x[:, None, :] - y[None, :, :]
        return (torch.exp(-(d * d).sum(2)) * b[None, :]).sum(1)

    compiled = torch.compile(radial_basis)
    state.update(modes_with_gradient(radial_basis, compiled, [x, y, b], torch.randn(n)), threads=request["threads"])
    return {"peer": "PyTorch", "version": torch.__version__.split("+")[0]}


def run(request):
    return {"seconds": seconds_of(state[request["mode"], request["gradient"]], state["threads"])}


serve(setup, run)
