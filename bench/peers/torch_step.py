#!/usr/bin/env python3
"""PyTorch's training step as a peer: eager and through torch.compile, with its best settings (fused optimisers, SDPA).

With one thread seconds are CPU time, with more they are wall time, as on our side.
setup {"workload": "lenet" | "mlp" | "lstm" | "gpt" | "resnet18" | "mobilenet_v2", "batch", "threads", ...sizes[, "precision": "bf16"]}; run {"mode": "eager" | "torch.compile"[, "steps"]}.
"""
import os
import tempfile

from line_protocol import serve
from timing import seconds_of

state = {}


def make_step(request):
    import torch
    import torch_models

    torch.manual_seed(0)
    batch = request["batch"]
    if request["workload"] == "lenet":
        model = torch_models.LeNet()
        optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
        x, y = torch.rand(batch, 1, 28, 28), torch.randint(0, 10, (batch,))
    elif request["workload"] == "mlp":
        model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
        x, y = torch.randn(batch, 784), torch.randint(0, 10, (batch,))
    elif request["workload"] == "lstm":
        model = torch.nn.LSTM(request["width"], request["width"], batch_first=True)
        optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
        x, y = torch.randn(2, batch, request["steps_of_sequence"], request["width"])
    elif request["workload"] in ("resnet18", "mobilenet_v2"):
        return make_image_step(request)
    else:
        sizes = {key: request[key] for key in ("layers", "width", "heads", "vocabulary", "context")}
        model = torch_models.Gpt(**sizes)
        optimiser = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=True)
        ids = torch.randint(0, request["vocabulary"], (2, batch, request["context"]))
        x, y = ids[0], ids[1]

    def step(loss_of):
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(model, x, y)
        loss.backward()
        optimiser.step()
        return loss.item()

    loss_of = torch_models.lstm_loss_of if request["workload"] == "lstm" else torch_models.loss_of
    if request.get("precision") == "bf16":
        in_f32 = loss_of

        def loss_of(*arguments):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return in_f32(*arguments)

    compiled = torch.compile(loss_of)
    return {"eager": lambda: step(loss_of), "torch.compile": lambda: step(compiled)}


def make_image_step(request):
    """Both memory layouts are tried for each mode; the faster one counts. With "only" there is one, and modes are made when they run."""
    import time

    import torch
    import torch_models

    batch, pixels = request["batch"], request["pixels"]

    def make(layout, is_compiled):
        torch.manual_seed(0)
        model = getattr(torch_models, request["workload"])().to(memory_format=layout)
        optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
        x = torch.randn(batch, 3, pixels, pixels).to(memory_format=layout)
        y = torch.randint(0, 1000, (batch,))
        loss_of = torch.compile(torch_models.loss_of) if is_compiled else torch_models.loss_of

        def step():
            optimiser.zero_grad(set_to_none=True)
            loss = loss_of(model, x, y)
            loss.backward()
            optimiser.step()
            return loss.item()

        step()
        times = []
        for _ in range(4):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        return min(times), step

    def better(is_compiled):
        layouts = (torch.contiguous_format, torch.channels_last)
        return min((make(layout, is_compiled) for layout in layouts), key=lambda made: made[0])[1]

    if request.get("only"):
        made = {}

        def lazily(is_compiled):
            return lambda: made.setdefault(is_compiled, make(torch.contiguous_format, is_compiled)[1])()

        return {"eager": lazily(False), "torch.compile": lazily(True)}
    return {"eager": better(False), "torch.compile": better(True)}


def setup(request):
    if request.get("empty_cache"):
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.mkdtemp(prefix="torchinductor-")
        os.environ["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"
    import torch

    torch.set_num_threads(request["threads"])
    state.update(make_step(request), threads=request["threads"])
    return {"peer": "PyTorch", "version": torch.__version__.split("+")[0]}


def run(request):
    return {"seconds": seconds_of(state[request["mode"]], state["threads"], request.get("steps", 1000))}


serve(setup, run)
