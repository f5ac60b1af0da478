#!/usr/bin/env python3
"""Makes tests/golden/parity/: what PyTorch loses where Strata trains from the same weights on the same batches.

    ninja -C build/release parity_export && build/release/tests/parity/parity_export build/parity
    tools/golden/parity.py build/parity tests/golden/parity

Run with a Python that has torch and safetensors (tools/peers). The export holds weights and batches in the form of `strata init`
and `strata data`; the golden files hold losses only, and the hash of what PyTorch was given.
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[0] = os.path.join(HERE, "..", "..", "bench", "peers")  # in place of this folder, which has a safetensors.py too

import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
import torch_models  # noqa: E402


def build_model(recipe, tensors):
    model = torch_models.LeNet() if recipe["model"] == "lenet" else torch_models.Gpt(**recipe["sizes"])
    weights = {name.removeprefix("model."): tensor for name, tensor in tensors.items() if name.startswith("model.")}
    model.load_state_dict(weights)  # strict: every name and shape must fit
    return model


def build_optimiser(recipe, model):
    if recipe["optimiser"] == "sgd":
        return torch.optim.SGD(model.parameters(), lr=0.0, momentum=recipe["momentum"])
    plain = [p for name, p in model.named_parameters() if name.endswith("bias") or "ln_" in name]
    decayed = [p for name, p in model.named_parameters() if not (name.endswith("bias") or "ln_" in name)]
    groups = [{"params": decayed, "weight_decay": recipe["weight_decay"]}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.0, betas=(recipe["beta1"], recipe["beta2"]), eps=recipe["epsilon"])


def train(recipe, tensors):
    model = build_model(recipe, tensors)
    optimiser = build_optimiser(recipe, model)
    losses = []
    for i, rate in enumerate(recipe["learning_rates"]):
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad(set_to_none=True)
        loss = torch_models.loss_of(model, tensors[f"x.{i}"], tensors[f"y.{i}"].long())
        loss.backward()
        if recipe["clip"]:
            torch.nn.utils.clip_grad_norm_(model.parameters(), recipe["clip"])
        optimiser.step()
        losses.append(loss.item())
    return model, losses


def validation_loss(model, tensors):
    count = sum(name.startswith("val_x.") for name in tensors)
    if count == 0:
        return None
    with torch.no_grad():
        total = sum(torch_models.loss_of(model, tensors[f"val_x.{i}"], tensors[f"val_y.{i}"]).item() for i in range(count))
    return total / count


def main():
    source, target = sys.argv[1:]
    os.makedirs(target, exist_ok=True)
    torch.set_num_threads(1)
    for name in ("lenet", "gpt", "king_james"):
        with open(os.path.join(source, name + ".json"), encoding="utf-8") as file:
            recipe = json.load(file)
        tensors = load_file(os.path.join(source, name + ".safetensors"))
        model, losses = train(recipe, tensors)
        golden = {"torch": torch.__version__.split("+")[0], "inputs_sha256": recipe["inputs_sha256"], "losses": losses}
        held_out = validation_loss(model, tensors)
        if held_out is not None:
            golden["validation_loss"] = held_out
        with open(os.path.join(target, name + ".json"), "w", encoding="utf-8") as file:
            json.dump(golden, file, indent=1)
            file.write("\n")
        print(name, "first", losses[0], "last", losses[-1], "validation", held_out)


main()
