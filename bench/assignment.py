#!/usr/bin/env python3
"""Our assignment solver against scipy's, one after the other on the same matrices: bench/assignment.py PROGRAM

PROGRAM is the built bench/assignment.cpp. Needs numpy and scipy. Each figure is the best of many short rounds.
"""

import subprocess
import sys
import tempfile
import time

import numpy as np
from scipy.optimize import linear_sum_assignment

SIZES = [(5, 5), (10, 10), (20, 20), (50, 50), (100, 100), (100, 300), (300, 100), (300, 300), (1000, 1000)]


def matrices():
    rng = np.random.default_rng(1)
    for rows, columns in SIZES:
        yield "random", rng.random((rows, columns))
        yield "ties", rng.integers(0, 10, (rows, columns)).astype(float)
        # What a matcher sees: overlaps, most of them nothing at all.
        yield "overlaps", -np.where(rng.random((rows, columns)) < 3 / columns, rng.random((rows, columns)), 0.0)
        # Products are the hard case for augmenting paths: the cheap columns are the same for all rows.
        yield "products", np.outer(np.arange(1.0, rows + 1), np.arange(1.0, columns + 1))


def scipy_time(cost):
    best, spent = 1e300, 0.0
    calls = max(1, 100000 // cost.size)
    rounds = 0
    while rounds < 5 or spent < 0.3:
        start = time.perf_counter()
        for _ in range(calls):
            rows, columns = linear_sum_assignment(cost)
        seconds = time.perf_counter() - start
        best, spent, rounds = min(best, seconds / calls), spent + seconds, rounds + 1
    return best * 1e6, cost[rows, columns].sum()


def our_time(program, cost):
    with tempfile.NamedTemporaryFile() as file:
        file.write(np.array([1, *cost.shape], np.int64).tobytes() + np.ascontiguousarray(cost).tobytes())
        file.flush()
        line = subprocess.run([program, file.name], check=True, capture_output=True, text=True).stdout
    return map(float, line.split())


def main():
    print(f"{'rows x columns':>15} {'costs':>9} {'scipy us':>11} {'vos us':>11} {'ratio':>7}")
    for name, cost in matrices():
        ours, total = our_time(sys.argv[1], cost)
        theirs, truth = scipy_time(cost)
        assert abs(total - truth) <= 1e-9 * max(1, abs(truth)), (cost.shape, name, total, truth)
        print(f"{cost.shape[0]:>8} x {cost.shape[1]:<4} {name:>9} {theirs:11.1f} {ours:11.1f} {theirs / ours:6.2f}x")


if __name__ == "__main__":
    main()
