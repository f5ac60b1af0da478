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
