#!/usr/bin/env python3
"""Makes polygons.txt: what pycocotools (2.0.11 when this was last run) draws for random polygon sets.

    python make_polygons.py > polygons.txt        needs numpy and pycocotools

A line holds a set and its mask:
    height width [[x,y,...],...] counts
"""

import json

import numpy as np
from pycocotools import mask as coco


def random_polygon(random, height, width):
    kind = random.integers(7)
    corners = int(random.integers(3, 9))
    if kind == 0:  # a box: left, top, width, height
        x, y = random.uniform(-3, width), random.uniform(-3, height)
        return np.array([x, y, random.uniform(0, width), random.uniform(0, height)])
    points = random.uniform(-0.3, 1.3, (corners, 2)) * (width, height)
    if kind == 1:  # whole and half pixels, where rounding decides
        points = np.round(points * 2) / 2
    elif kind == 2:  # a star around a centre, as people draw
        angle = np.sort(random.uniform(0, 2 * np.pi, corners))
        radius = random.uniform(1, max(height, width), corners)
        points = np.stack([width / 2 + radius * np.cos(angle), height / 2 + radius * np.sin(angle)], 1)
    elif kind == 3:  # upright and level edges, and corners twice
        points = np.repeat(points, 2, 0)
        points[1::2, random.integers(2)] = points[0::2, random.integers(2)]
    elif kind == 4:  # far outside
        points = points * 20 - 5 * width
    elif kind == 5:  # a sliver
        points[:, 0] = points[0, 0] + random.uniform(-0.3, 0.3, corners)
    return points.reshape(-1)


def main():
    random = np.random.default_rng(11)
    for _ in range(500):
        height, width = (int(v) for v in random.integers(1, 40, 2))
        polygons = [[round(float(v), 3) for v in random_polygon(random, height, width)]
                    for _ in range(random.integers(1, 4))]
        rles = [coco.frPyObjects(np.array([p]) if len(p) == 4 else [p], height, width)[0] for p in polygons]
        print(height, width, json.dumps(polygons, separators=(",", ":")), coco.merge(rles)["counts"].decode())


if __name__ == "__main__":
    main()
