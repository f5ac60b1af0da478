#!/usr/bin/env python3
"""Makes strata/optim/trajectories.inc: PyTorch's optimisers on a small quadratic.

Run with a Python that has torch:  python3 tools/golden/optim.py
The loss is sum((a * w - b)^2) of w [3, 2], from w0, with a, b fixed; each case lists w after each update, [steps, 3, 2].
The rate is 0.1 for 4 updates, then 0.05. The cases stand in strata/optim/rules_test.cpp with the same options.
"""
import os

import torch

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "strata", "optim", "trajectories.inc")
STEPS = 8
CASES = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd_momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.02),
    "sgd_dampening": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.3),
    "sgd_nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.02),
    "adam": lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.02),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.8, 0.95), weight_decay=0.1),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1, lr_decay=0.1, weight_decay=0.02),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.1, alpha=0.9),
    "rmsprop_centred": lambda p: torch.optim.RMSprop(p, lr=0.1, alpha=0.9, momentum=0.5, centered=True, weight_decay=0.02),
    "clipped": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
}


def write(file, name, values):
    camel = "".join(part.capitalize() for part in name.split("_"))
    lines = []
    for i in range(0, len(values), 6):
        lines.append("    " + ", ".join(f"{float(v):.9g}f" if "." in f"{float(v):.9g}" or "e" in f"{float(v):.9g}" else f"{float(v):.1f}f"
                                          for v in values[i:i + 6]))
    file.write(f"constexpr float k{camel}[] = {{\n" + ",\n".join(lines) + "};\n")


def main():
    torch.manual_seed(0)
    a, b, w0 = (torch.randn(3, 2) for _ in range(3))
    with open(OUT, "w") as file:
        file.write(f"// Written by tools/golden/optim.py with torch {torch.__version__}.\n")
        for name, value in (("a", a), ("b", b), ("w0", w0)):
            write(file, name, value.flatten().tolist())
        for name, make in CASES.items():
            w = w0.clone().requires_grad_(True)
            optimiser = make([w])
            states = []
            for step in range(STEPS):
                for group in optimiser.param_groups:
                    group["lr"] = 0.1 if step < 4 else 0.05
                optimiser.zero_grad()
                ((a * w - b) ** 2).sum().backward()
                if name == "clipped":
                    torch.nn.utils.clip_grad_norm_([w], 0.5)
                optimiser.step()
                states += w.detach().flatten().tolist()
            write(file, name, states)


if __name__ == "__main__":
    main()
