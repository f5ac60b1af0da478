#!/usr/bin/env python3
"""The gradient of an embedding in PyTorch: the other side of bench/suites/updates.cpp.

setup {"vocabulary", "width"}; run {"tokens", "joins"} -> CPU seconds of one gradient, alone or added to one that is there.
"""
import time

import torch
from line_protocol import serve

size = {}


def setup(request):
    torch.set_num_threads(1)
    size.update(vocabulary=request["vocabulary"], width=request["width"])
    return {"peer": "PyTorch", "version": torch.__version__}


def run(request):
    tokens, vocabulary = request["tokens"], size["vocabulary"]
    ids = torch.arange(tokens, dtype=torch.int64) * 7919 % vocabulary
    seed = torch.full((tokens, size["width"]), 0.5)
    gradient = torch.zeros(vocabulary, size["width"])

    def work():
        if request["joins"]:
            gradient.index_add_(0, ids, seed)
        else:
            torch.ops.aten.embedding_dense_backward(seed, ids, vocabulary, -1, False)

    work()
    repeats, start = 0, time.process_time()
    while time.process_time() - start < 0.1:
        work()
        repeats += 1
    return {"seconds": (time.process_time() - start) / repeats}


serve(setup, run)
