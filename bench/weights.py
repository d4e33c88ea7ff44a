#!/usr/bin/env python3
"""Opening a checkpoint of 500 MB against torch.load: bench/weights.py PROGRAM [ROUNDS]

PROGRAM is the built bench/weights.cpp. Needs torch. The file is made by torch.save and lies in the page cache; all ways are
timed in turn, and the medians are printed. torch.load does not look at CRCs. Memory is the most that a process of its own had
beyond what it had before.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

import torch

MEGABYTES, TENSORS = 500, 300


def checkpoint():
    """Sizes as networks have them: many small ones, and some large ones that are most of it."""
    shares = [1.0 + (i * 37 % 100) ** 2 if i % 3 == 0 else 1.0 for i in range(TENSORS)]
    scale = MEGABYTES * 1e6 / 4 / sum(shares)
    return {f"layers.{i}.weight": torch.randn(max(1, int(share * scale))) for i, share in enumerate(shares)}


def zlib_check(path):
    crc = 0
    with open(path, "rb", buffering=0) as file:
        while part := file.read(1 << 18):
            crc = zlib.crc32(part, crc)
    return crc


def touch(tree):
    return sum(float(tensor.view(-1)[::1024].sum()) for tensor in tree.values())


WAYS = {
    "zlib CRC in Python, in parts": zlib_check,
    "torch.load": lambda path: torch.load(path, weights_only=True),
    "torch.load, mmap": lambda path: torch.load(path, weights_only=True, mmap=True),
    "torch.load, mmap, touch": lambda path: touch(torch.load(path, weights_only=True, mmap=True)),
}


def most_memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))


def main():
    if sys.argv[1] == "--memory":
        small = sys.argv[2] + ".small"  # loads what torch.load needs besides the file
        torch.load(small, weights_only=True)
        before = most_memory()
        kept = WAYS[sys.argv[3]](sys.argv[2])
        print(f"{most_memory() - before:.1f}", kept is None)
        return
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 9
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "checkpoint.pth")
        torch.save(checkpoint(), path)
        torch.save({"a": torch.ones(3)}, path + ".small")
        size = os.path.getsize(path) / 2**20
        zlib_check(path)
        times = {name: [] for name in WAYS}
        ours = {}
        for _ in range(rounds):
            for line in subprocess.run([program, "time", path, "3"], check=True, capture_output=True, text=True).stdout.splitlines():
                name, ms = line.split("\t")
                ours.setdefault(name, []).append(float(ms))
            for name, act in WAYS.items():
                start = time.perf_counter()
                kept = act(path)
                times[name].append((time.perf_counter() - start) * 1e3)
                del kept
        least = statistics.median(ours["read and CRC, in parts"])
        print(f"a checkpoint of {size:.0f} MB, {TENSORS} tensors; medians of {rounds} rounds")
        print(f"{'':<30} {'ms':>8} {'of reading':>11} {'memory, MB':>11}")
        for side, memory in ((ours, lambda name: [program, "memory", path, name]),
                             (times, lambda name: [sys.executable, __file__, "--memory", path, name])):
            for name, values in side.items():
                most = subprocess.run(memory(name), check=True, capture_output=True, text=True).stdout.split()[0]
                median = statistics.median(values)
                print(f"{name:<30} {median:8.1f} {median / least:10.2f}x {float(most):11.1f}")


if __name__ == "__main__":
    main()
