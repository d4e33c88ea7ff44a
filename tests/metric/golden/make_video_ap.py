#!/usr/bin/env python3
"""Makes video_ap.txt: 500 small random ground truths with results, and what video_ap_twin.py says of them.

    python make_video_ap.py > video_ap.txt        needs numpy (2.4.6) and pycocotools (2.0.11)

A line holds a case, its words separated by spaces:
    videos     {id height width frames}
    categories {id}
    objects    {video category crowd {area} {mask}}     by the place of the video and the category's id
    results    {video category score {mask}}
    the twelve numbers
A mask is COCO's text, HxW:text where its size is not the video's, or - where there is none.
"""

import numpy as np
from pycocotools import mask as coco

from video_ap_twin import evaluate


def random_mask(random, height, width, near=None):
    if near is not None and random.random() < 0.6:
        mask = coco.decode(near)
        kind = random.integers(3)
        if kind == 1:  # loses a part
            mask[:, : random.integers(1, max(2, width // 3))] = 0
        elif kind == 2:
            mask = np.roll(mask, random.integers(1, max(2, width // 8)), 1)
        return coco.encode(np.asfortranarray(mask))
    mask = np.zeros((height, width), np.uint8)
    if random.random() < 0.93:
        x = random.integers(width)
        y, h = (0, height) if height > 50 else (random.integers(height), random.integers(1, height + 1))
        mask[y : y + h, x : x + random.integers(1, width + 1)] = 1
    return coco.encode(np.asfortranarray(mask))


def text_of(mask, size):
    if mask is None:
        return "-"
    text = mask["counts"].decode()
    return text if tuple(mask["size"]) == size else f"{mask['size'][0]}x{mask['size'][1]}:{text}"


def main():
    random = np.random.default_rng(21)
    for _ in range(500):
        ids = random.choice(np.arange(1, 40), random.integers(1, 4), replace=False)
        videos = []
        for i in ids:
            size = (300, 300) if random.random() < 0.4 else tuple(int(v) for v in random.integers(3, 9, 2))
            videos.append((int(i), size, int(random.integers(1, 4))))
        categories = [int(c) for c in random.choice(np.arange(1, 9), random.integers(1, 4), replace=False)]
        truths, found = [], []
        for _ in range(random.integers(1, 5)):
            video, size, frames = videos[random.integers(len(videos))]
            masks = [None if random.random() < 0.25 else random_mask(random, *size) for _ in range(frames)]
            areas = [int(coco.area(m)) if m else 0 for m in masks]
            if random.random() < 0.15:  # what the file says counts
                areas = [int(random.choice([0, 16384, 16385, 65536, 65537, a])) for a in areas]
            truths.append(dict(video_id=video, category_id=int(random.choice(categories)), segmentations=masks,
                               iscrowd=int(random.random() < 0.2), areas=areas))
        for _ in range(random.integers(1, 7)):
            near = truths[random.integers(len(truths))] if random.random() < 0.8 else None
            video, size, frames = next(v for v in videos if near is None or v[0] == near["video_id"])
            masks = [None if random.random() < 0.2 else
                     random_mask(random, *size, near["segmentations"][t] if near else None) for t in range(frames)]
            if random.random() < 0.04:  # another size
                masks[0] = random_mask(random, size[0], size[1] + 1)
            category = near["category_id"] if near and random.random() < 0.9 else int(random.choice(categories + [77]))
            found.append(dict(video_id=video, category_id=category, segmentations=masks,
                              score=float(random.integers(1, 8)) / 8))  # few scores: ties
        numbers = evaluate([v[0] for v in videos], categories, truths, found)
        place, size_of = {v[0]: i for i, v in enumerate(videos)}, {v[0]: v[1] for v in videos}
        words = [len(videos)]
        for video, size, frames in videos:
            words += [video, *size, frames]
        words += [len(categories), *categories, len(truths)]
        for g in truths:
            words += [place[g["video_id"]], g["category_id"], g["iscrowd"], *g["areas"]]
            words += [text_of(m, size_of[g["video_id"]]) for m in g["segmentations"]]
        words.append(len(found))
        for d in found:
            words += [place[d["video_id"]], d["category_id"], d["score"]]
            words += [text_of(m, size_of[d["video_id"]]) for m in d["segmentations"]]
        print(*words, *(f"{n:.12g}" for n in numbers))


if __name__ == "__main__":
    main()
