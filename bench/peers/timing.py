"""Seconds of a piece of work, as bench/harness/contest.h counts them for our side."""
import time


def seconds_of(work, threads, most=1000):
    """Of one call, in a burst of at least 0.1 s: CPU time with one thread, wall time with more; at most `most` calls."""
    clock = time.process_time if threads == 1 else time.perf_counter
    total, count = 0.0, 0
    while total < 0.1 and count < most:
        start = clock()
        work()
        total += clock() - start
        count += 1
    return total / count


def modes_with_gradient(eager, compiled, arguments, dy, compiled_forward=None):
    """By (mode, whether with gradients): calls of a function of tensors, in both of PyTorch's modes."""
    import torch

    def forward(function):
        with torch.no_grad():
            return function(*[a.detach() for a in arguments])

    def with_gradient(function):
        return torch.autograd.grad(function(*arguments), arguments, dy)

    return {
        ("eager", False): lambda: forward(eager),
        ("eager", True): lambda: with_gradient(eager),
        ("torch.compile", False): lambda: forward(compiled_forward or compiled),
        ("torch.compile", True): lambda: with_gradient(compiled),
    }
