#!/usr/bin/env python3
"""How many digits the sums of PyTorch and NumPy keep: the other side of bench/suites/sums.cpp.

run {"what", "terms", "data": "uniform" | "cancelling", "seeds"} -> "rms": the root mean square over the seeds of
|result - exact| / sum of |terms|, of the better of the two libraries. Exact is the same sum in f64.
"""
import numpy as np
from line_protocol import serve


def setup(request):
    import torch

    torch.set_num_threads(1)
    return {"peer": "PyTorch, NumPy", "version": f"{torch.__version__}, {np.__version__}"}


def draw(generator, count, data):
    uniform = generator.random(count, dtype=np.float32)
    return uniform if data == "uniform" else uniform - np.float32(0.5)


def results(what, x, y):
    """(the results of the libraries, exact, sum of |terms|)"""
    import torch

    a, b = torch.from_numpy(x), torch.from_numpy(y)
    wide, n = x.astype(np.float64), len(x)
    if what == "dot":
        terms = wide * y.astype(np.float64)
        return [float(np.dot(x, y)), float(torch.dot(a, b))], terms.sum(), np.abs(terms).sum()
    if what == "conv":
        terms = wide * y.astype(np.float64)
        shape = (1, n // 9, 3, 3)
        return [float(torch.nn.functional.conv2d(a.reshape(shape), b.reshape(shape)))], terms.sum(), np.abs(terms).sum()
    exact, size = wide.sum(), np.abs(wide).sum()
    if what == "sum":
        return [float(np.sum(x)), float(torch.sum(a))], exact, size
    if what == "sum of rows":
        two = np.stack([x, x], axis=1)
        return [float(two.sum(axis=0)[0]), float(torch.from_numpy(two).sum(0)[0])], exact, size
    if what == "mean":
        return [float(np.mean(x)), float(torch.mean(a))], exact / n, size / n
    if what == "cumsum":
        return [float(np.cumsum(x)[-1]), float(torch.cumsum(a, 0)[-1])], exact, size
    if what == "scatter":
        index = torch.zeros(n, dtype=torch.int64)
        return [float(torch.zeros(1).index_add(0, index, a)[0])], exact, size
    if what == "variance":
        x10 = x + np.float32(10)
        t10, w10 = torch.from_numpy(x10), x10.astype(np.float64)
        return [float(np.var(x10)), float(torch.var(t10, correction=0))], w10.var(), w10.var()
    raise ValueError(what)


def run(request):
    errors = None
    for seed in range(request["seeds"]):
        generator = np.random.default_rng(seed)
        x, y = draw(generator, request["terms"], request["data"]), generator.random(request["terms"], dtype=np.float32)
        got, exact, size = results(request["what"], x, y)
        squares = [((value - exact) / size) ** 2 for value in got]
        errors = squares if errors is None else [a + b for a, b in zip(errors, squares)]
    return {"rms": float(np.sqrt(min(errors) / request["seeds"]))}


serve(setup, run)
