#!/usr/bin/env python3
"""Writes strata/ops/encoding/vectors.inc: bytes and values of block formats as other people's code has them.

Needs torch (8-bit floats) and gguf (the reference quantisation of ggml, bit for bit): pip install torch gguf
"""
import importlib.metadata
import pathlib

import gguf
import numpy as np
import torch
from gguf.quants import dequantize, quantize

OUT = pathlib.Path(__file__).parents[2] / "strata/ops/encoding/vectors.inc"
Q = gguf.GGMLQuantizationType


def floats(name, values):
    text = ", ".join(f"{float(np.float32(v)).hex()}f" for v in values)
    return f"constexpr float {name}[] = {{{text}}};\n"


def raw(name, values):
    return f"constexpr uint8_t {name}[] = {{{', '.join(str(int(v)) for v in values)}}};\n"


def blocks():
    """Six blocks of 32: normal, wide, tiny, zeros, one number, halves that round."""
    random = np.random.default_rng(7)
    rows = [random.normal(size=32), random.normal(size=32) * 300, random.normal(size=32) * 1e-6, np.zeros(32),
            np.full(32, -0.75), np.concatenate([[127.0], np.arange(31) - 15.5])]
    return np.stack(rows).astype(np.float32)


def main():
    x = blocks()
    text = f"// Written by tools/golden/encodings.py with torch {torch.__version__} and gguf {importlib.metadata.version('gguf')}.\n"
    text += floats("kBlocks", x.reshape(-1))
    for name, kind in [("Q40", Q.Q4_0), ("Q80", Q.Q8_0), ("Mxfp4", Q.MXFP4)]:
        encoded = quantize(x, kind)
        text += raw(f"k{name}Bytes", encoded.reshape(-1))
        text += floats(f"k{name}Values", dequantize(encoded, kind).reshape(-1))
    random = torch.Generator().manual_seed(3)
    numbers = torch.cat([torch.randn(40, generator=random) * 10.0 ** torch.randint(-6, 3, (40,), generator=random),
                         torch.tensor([0.0, -0.0, 448.0, -448.0, 2.0**-9, 2.0**-10, 3 * 2.0**-10, 1.0625, 1.1875, 0.017578125])])
    numbers = numbers.clamp(-448, 448).float()
    text += floats("kNumbers", numbers.tolist())
    for name, dtype in [("F8E4M3", torch.float8_e4m3fn), ("F8E5M2", torch.float8_e5m2)]:
        text += raw(f"k{name}Bytes", numbers.to(dtype).view(torch.uint8).tolist())
        text += floats(f"k{name}Values", numbers.to(dtype).float().tolist())


if __name__ == "__main__":
    main()
