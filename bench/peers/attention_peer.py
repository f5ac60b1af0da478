#!/usr/bin/env python3
"""Attention in PyTorch, eager and through torch.compile: the other side of bench/suites/attention.cpp.

setup {"heads", "length", "depth", "soft_cap", "threads"}; run {"mode": "eager" | "torch.compile", "gradient": bool} ->
seconds of one call. With a soft cap torch.compile runs flex_attention where it can (without gradients: its CPU form has none).
"""
import math

from line_protocol import serve
from timing import modes_with_gradient, seconds_of

state = {}


def setup(request):
    import torch
    from torch.nn import functional as F
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    torch.set_num_threads(request["threads"])
    torch.manual_seed(0)
    length, depth, cap = request["length"], request["depth"], request["soft_cap"]
    arguments = [torch.randn(1, request["heads"], length, depth, requires_grad=True) for _ in range(3)]
    dy = torch.randn(1, request["heads"], length, depth)

    def fused(q, k, v):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)

    seen = torch.ones(length, length, dtype=torch.bool).tril() if cap else None

    def formula(q, k, v):
        s = cap * torch.tanh(q @ k.transpose(-1, -2) / math.sqrt(depth) / cap)
        return torch.softmax(s.masked_fill(~seen, -math.inf), -1) @ v

    f = formula if cap else fused
    compiled = torch.compile(f)
    compiled_forward = compiled
    if cap:
        blocks = create_block_mask(lambda b, h, i, j: i >= j, None, None, length, length, device="cpu")
        flex = torch.compile(flex_attention)
        compiled_forward = lambda q, k, v: flex(
            q, k, v, score_mod=lambda s, b, h, i, j: cap * torch.tanh(s / cap), block_mask=blocks
        )

    state.update(modes_with_gradient(f, compiled, arguments, dy, compiled_forward), threads=request["threads"])
    return {"peer": "PyTorch", "version": torch.__version__.split("+")[0]}


def run(request):
    return {"seconds": seconds_of(state[request["mode"], request["gradient"]], state["threads"])}


serve(setup, run)
