#!/usr/bin/env python3
"""Makes tests/golden/parity/: what PyTorch loses where Strata trains from the same weights on the same batches.

    ninja -C build/release strata parity_export
    tools/golden/parity.py build/release

Run with a Python that has torch and safetensors (tools/peers). Weights come from `strata init`, batches from `strata data`,
validation batches from parity_export, all for tests/parity/*.toml. The golden files hold losses only, and the hash of what
PyTorch was given.
"""
import json
import math
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path[0] = os.path.join(ROOT, "bench", "peers")  # in place of this folder, which has a safetensors.py too

import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
import torch_models  # noqa: E402


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


class Inputs:
    """A configuration and what Strata makes of it."""

    def __init__(self, build, name, folder):
        path = os.path.join("tests", "parity", name + ".toml")
        strata = os.path.abspath(os.path.join(build, "strata"))
        files = [os.path.join(folder, f"{name}-{part}.safetensors") for part in ("weights", "batches", "validation")]
        facts = json.loads(run(os.path.abspath(os.path.join(build, "parity_export")), path, files[2]))
        self.steps, self.sha256 = facts["steps"], facts["inputs_sha256"]
        self.config = json.loads(run(strata, "config", "--check", path, "--json"))
        run(strata, "init", path, "--out", files[0])
        run(strata, "data", path, "--batches", str(self.steps), "--out", files[1])
        self.weights, self.batches, self.validation = (load_file(file) for file in files)

    def __getitem__(self, key):
        return self.config[key]


def build_model(inputs):
    if inputs["model.kind"] == "lenet":
        model = torch_models.LeNet()
    else:
        model = torch_models.Gpt(*(inputs["model." + key] for key in ("layers", "width", "heads", "vocabulary", "context")))
    model.load_state_dict(inputs.weights)  # strict: every name and shape must fit
    return model


def build_optimiser(inputs, model):
    if inputs["optim.kind"] == "sgd":
        return torch.optim.SGD(model.parameters(), lr=0.0, momentum=inputs["optim.momentum"])
    plain = [p for name, p in model.named_parameters() if name.endswith("bias") or "ln_" in name]
    decayed = [p for name, p in model.named_parameters() if not (name.endswith("bias") or "ln_" in name)]
    groups = [{"params": decayed, "weight_decay": inputs["optim.weight_decay"]}, {"params": plain, "weight_decay": 0.0}]
    betas = (inputs["optim.beta1"], inputs["optim.beta2"])
    return torch.optim.AdamW(groups, lr=0.0, betas=betas, eps=inputs["optim.epsilon"])


def learning_rate(inputs, step):
    """Up in optim.warmup steps, then the schedule over the steps that are left."""
    warmup, factor = inputs["optim.warmup"], 1.0
    if step < warmup:
        factor = (step + 1) / warmup
    elif inputs["optim.schedule"] == "cosine":
        final = inputs["optim.final_fraction"]
        factor = final + (1 - final) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (inputs.steps - warmup)))
    return inputs["optim.learning_rate"] * factor


def train(inputs):
    model = build_model(inputs)
    optimiser = build_optimiser(inputs, model)
    losses = []
    for i in range(inputs.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(inputs, i)
        optimiser.zero_grad(set_to_none=True)
        loss = torch_models.loss_of(model, inputs.batches[f"x.{i}"], inputs.batches[f"y.{i}"].long())
        loss.backward()
        if inputs["optim.clip"]:
            torch.nn.utils.clip_grad_norm_(model.parameters(), inputs["optim.clip"])
        optimiser.step()
        losses.append(loss.item())
    return model, losses


def validation_loss(model, tensors):
    """The mean over tokens; targets of -100 don't count."""
    total, tokens = 0.0, 0
    with torch.no_grad():
        for i in range(len(tensors) // 2):
            x, y = tensors[f"x.{i}"], tensors[f"y.{i}"].long()
            counted = int((y != -100).sum())
            total += torch_models.loss_of(model, x, y).item() * counted
            tokens += counted
    return total / tokens


def main():
    build = sys.argv[1]
    torch.set_num_threads(1)
    for name in ("lenet", "gpt"):
        with tempfile.TemporaryDirectory() as folder:
            inputs = Inputs(build, name, folder)
            model, losses = train(inputs)
        golden = {"torch": torch.__version__.split("+")[0], "inputs_sha256": inputs.sha256, "losses": losses}
        if inputs.validation:
            golden["validation_loss"] = validation_loss(model, inputs.validation)
        with open(os.path.join(ROOT, "tests", "golden", "parity", name + ".json"), "w", encoding="utf-8") as file:
            json.dump(golden, file, indent=1)
            file.write("\n")
        print(name, "first", losses[0], "last", losses[-1], "validation", golden.get("validation_loss"))


main()
