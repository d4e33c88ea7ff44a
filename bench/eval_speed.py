#!/usr/bin/env python3
"""J and F of 480p label maps against the official algorithm in Python: bench/eval_speed.py PROGRAM

PROGRAM is the built bench/eval_speed.cpp. Needs numpy, and OpenCV for the dilation that the official evaluator uses;
without it scipy stands in, which is slower: the ratio is then no more than a hint, and the first line says so.
The masks are drawn, decoded and handed over beforehand: only J and F are timed, each side on one thread.
"""

import subprocess
import sys
import tempfile
import time

import numpy as np

try:
    import cv2
    cv2.setNumThreads(1)

    def dilate(image, kernel):
        return cv2.dilate(image, kernel)

    DILATION = f"OpenCV {cv2.__version__}"
except ImportError:
    from scipy.ndimage import binary_dilation

    def dilate(image, kernel):
        return binary_dilation(image, kernel).astype(np.uint8)

    DILATION = "scipy (no OpenCV here)"

HEIGHT, WIDTH, FRAMES = 480, 854, 24


def boundary(mask):
    """A pixel is on the boundary where its right, lower or lower right neighbour differs."""
    right, below, both = np.zeros_like(mask), np.zeros_like(mask), np.zeros_like(mask)
    right[:, :-1] = mask[:, 1:]
    below[:-1, :] = mask[1:, :]
    both[:-1, :-1] = mask[1:, 1:]
    edge = mask ^ right | mask ^ below | mask ^ both
    edge[-1, :] = mask[-1, :] ^ right[-1, :]
    edge[:, -1] = mask[:, -1] ^ below[:, -1]
    edge[-1, -1] = False
    return edge


def j_measure(truth, guess):
    both, either = np.sum(truth & guess), np.sum(truth | guess)
    return 1.0 if either == 0 else both / either


def f_measure(truth, guess):
    radius = int(np.ceil(0.008 * np.linalg.norm(truth.shape)))
    line = np.arange(-radius, radius + 1)
    disk = (line[:, None] ** 2 + line[None, :] ** 2 <= radius ** 2).astype(np.uint8)
    a, b = boundary(truth), boundary(guess)
    near_a, near_b = dilate(a.astype(np.uint8), disk), dilate(b.astype(np.uint8), disk)
    n_a, n_b = np.sum(a), np.sum(b)
    if n_a == 0 and n_b == 0:
        return 1.0
    if n_a == 0 or n_b == 0:
        return 0.0
    precision, recall = np.sum(b * near_a) / n_b, np.sum(a * near_b) / n_a
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def blob(rng, cy, cx, radius):
    """A shape with a wavy edge, about as long as that of a real object."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    angle = np.arctan2(y - cy, x - cx)
    waves = sum(rng.uniform(0.02, 0.12) * np.cos(k * angle + rng.uniform(0, 6)) for k in (2, 3, 5, 7))
    return (y - cy) ** 2 + (x - cx) ** 2 <= (radius * (1 + waves)) ** 2


def label_maps(objects):
    rng = np.random.default_rng(objects)
    maps = []
    for _ in range(FRAMES):
        pair = np.zeros((2, HEIGHT, WIDTH), np.uint8)
        for k in range(1, objects + 1):
            radius = rng.uniform(60, 140) / np.sqrt(objects) ** 0.7
            cy, cx = rng.uniform(80, HEIGHT - 80), rng.uniform(80, WIDTH - 80)
            for side in range(2):
                pair[side][blob(rng, cy + rng.normal(0, 3), cx + rng.normal(0, 3), radius)] = k
        maps.append(pair)
    return maps


def official(maps, objects):
    """Milliseconds a frame, of J and of F, and their sums; the best of five rounds of each frame."""
    time_j = time_f = sum_j = sum_f = 0
    for pair in maps:
        masks = [(pair[0] == k, pair[1] == k) for k in range(1, objects + 1)]
        best_j, best_f = 1e300, 1e300
        for _ in range(5):
            start = time.perf_counter()
            j = sum(j_measure(t, g) for t, g in masks)
            middle = time.perf_counter()
            f = sum(f_measure(t, g) for t, g in masks)
            end = time.perf_counter()
            best_j, best_f = min(best_j, middle - start), min(best_f, end - middle)
        time_j, time_f, sum_j, sum_f = time_j + best_j, time_f + best_f, sum_j + j, sum_f + f
    return time_j * 1e3 / len(maps), time_f * 1e3 / len(maps), sum_j, sum_f


def ours(program, maps):
    with tempfile.NamedTemporaryFile() as file:
        file.write(np.array([len(maps), HEIGHT, WIDTH], np.int64).tobytes() + np.stack(maps).tobytes())
        file.flush()
        line = subprocess.run([program, file.name, "2"], check=True, capture_output=True, text=True).stdout
    return map(float, line.split())


def main():
    print(f"J and F at {WIDTH}x{HEIGHT}, decoded, ms a frame; dilation of the Python side: {DILATION}")
    print(f"{'objects':>7} {'python J':>9} {'python F':>9} {'vos J+F':>9} {'ratio':>7}   {'all frames: 1 thread':>21} "
          f"{'2 threads':>10} {'speed-up':>9}")
    for objects in (1, 3, 5, 10):
        maps = label_maps(objects)
        time_j, time_f, true_j, true_f = official(maps, objects)
        alone, one, two, j, f = ours(sys.argv[1], maps)
        assert abs(j - true_j) < 1e-9 and abs(f - true_f) < 1e-9, (j, true_j, f, true_f)
        print(f"{objects:>7} {time_j:9.2f} {time_f:9.2f} {alone:9.3f} {(time_j + time_f) / alone:6.1f}x   {one:21.3f} "
              f"{two:10.3f} {one / two:8.2f}x")


if __name__ == "__main__":
    main()
