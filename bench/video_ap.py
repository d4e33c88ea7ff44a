#!/usr/bin/env python3
"""AP over videos against an evaluation in the style of the official one, which decodes and merges masks for each pair and
frame through pycocotools: bench/video_ap.py PROGRAM [videos]

PROGRAM is the built bench/video_ap.cpp. Needs numpy and pycocotools. Files are read before either clock starts; the
Python side has its masks parsed from JSON but not decoded, as the official one has.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pycocotools import mask as coco

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests/metric/golden"))
from video_ap_twin import evaluate  # noqa: E402

HEIGHT, WIDTH, FRAMES, OBJECTS = 720, 1280, 30, 4
FOUND = [10, 50, 100]  # results for each video: the more there are, the more pairs each mask is in


def blob(y, x, ry, rx, wave):
    """An ellipse with a wavy outline: runs as real masks have them."""
    ys, xs = np.mgrid[:HEIGHT, :WIDTH]
    angle = np.arctan2(ys - y, xs - x)
    reach = ((ys - y) / ry) ** 2 + ((xs - x) / rx) ** 2
    return np.asfortranarray((reach < 1 + 0.2 * np.sin(9 * angle + wave)).astype(np.uint8))


def track(random, shift):
    y, x, ry, rx = random.uniform(100, 600), random.uniform(100, 1100), random.uniform(30, 150), random.uniform(30, 200)
    for t in range(FRAMES):
        if random.random() < 0.1:
            yield None
        else:
            yield coco.encode(blob(y + shift, x + 5 * t, ry, rx, t))


def make(random, pool, videos, count):
    truths, found = [], []
    for video in range(1, videos + 1):
        for _ in range(OBJECTS):
            masks = pool[random.integers(len(pool))]
            truths.append(dict(video_id=video, category_id=int(random.integers(1, 3)), iscrowd=0, segmentations=masks,
                               areas=[int(coco.area(m)) if m else 0 for m in masks]))
        for _ in range(count):
            found.append(dict(video_id=video, category_id=int(random.integers(1, 3)), score=float(random.random()),
                              segmentations=pool[random.integers(len(pool))]))
    return truths, found


def plain(masks):
    return [m and dict(size=m["size"], counts=m["counts"].decode()) for m in masks]


def measure(program, random, pool, videos, count):
    truths, found = make(random, pool, videos, count)
    with tempfile.TemporaryDirectory() as folder:
        gt, results = Path(folder) / "gt.json", Path(folder) / "results.json"
        gt.write_text(json.dumps(dict(
            videos=[dict(id=v + 1, height=HEIGHT, width=WIDTH, length=FRAMES) for v in range(videos)],
            categories=[dict(id=1, name="a"), dict(id=2, name="b")],
            annotations=[dict(t, id=i + 1, segmentations=plain(t["segmentations"])) for i, t in enumerate(truths)])))
        results.write_text(json.dumps([dict(d, segmentations=plain(d["segmentations"])) for d in found]))
        times = []
        for threads in (1, 2):
            _, seconds, ap, ar = (float(v) for v in subprocess.check_output([program, gt, results, str(threads)]).split())
            times.append(seconds)
    start = time.perf_counter()
    numbers = evaluate(range(1, videos + 1), [1, 2], truths, found)
    seconds = time.perf_counter() - start
    assert abs(numbers[0] - ap) < 1e-9 and abs(numbers[7] - ar) < 1e-9
    print(f"{count:4d} results a video: Python {seconds:.3f} s, ours {times[0]:.3f} s on one thread, {times[1]:.3f} s on two; "
          f"ratio on one {seconds / times[0]:.1f}", flush=True)


def main():
    program, videos = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 8
    random = np.random.default_rng(1)
    pool = [list(track(random, shift)) for shift in (0, 0, 0, 5, 20, 60) for _ in range(6)]
    for count in FOUND:
        measure(program, random, pool, videos, count)


if __name__ == "__main__":
    main()
