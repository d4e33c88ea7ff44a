#!/usr/bin/env python3
"""Makes rle.txt: what pycocotools (2.0.11 when this was last run) says of random masks.

    python make.py > rle.txt        needs numpy and pycocotools

A line holds two masks of one size:
    height width bits_a counts_a area_a x y w h  bits_b counts_b area_b x y w h  intersection union iou
where bits are the mask row by row as hexadecimal digits, first pixel in the highest bit, padded with 0 at the end.
"""

import numpy as np
from pycocotools import mask as coco


def described(mask):
    rle = coco.encode(np.asfortranarray(mask))
    bits = "".join(str(b) for b in mask.reshape(-1))
    bits += "0" * (-len(bits) % 4)
    text = "".join(f"{int(bits[i:i + 4], 2):x}" for i in range(0, len(bits), 4))
    box = " ".join(str(int(v)) for v in coco.toBbox(rle))
    return rle, f"{text} {rle['counts'].decode()} {int(coco.area(rle))} {box}"


def random_mask(random, height, width):
    kind = random.integers(4)
    if kind == 0:  # noise
        return (random.random((height, width)) < random.random()).astype(np.uint8)
    mask = np.zeros((height, width), np.uint8)
    if kind == 1:  # nothing, all, or one pixel
        mask[:] = random.integers(2)
        mask[random.integers(height), random.integers(width)] = random.integers(2)
        return mask
    for _ in range(random.integers(1, 4)):  # boxes
        y, x = random.integers(height), random.integers(width)
        mask[y:y + random.integers(1, height + 1), x:x + random.integers(1, width + 1)] ^= 1
    return mask


def main():
    random = np.random.default_rng(7)
    for _ in range(250):
        height, width = (int(v) for v in random.integers(1, 20, 2))
        a, text_a = described(random_mask(random, height, width))
        b, text_b = described(random_mask(random, height, width))
        both, all_ = int(coco.area(coco.merge([a, b], intersect=True))), int(coco.area(coco.merge([a, b])))
        iou = both / all_ if all_ else 0.0
        if all_:
            assert abs(float(coco.iou([a], [b], [False])[0, 0]) - iou) < 1e-12
        print(height, width, text_a, text_b, both, all_, f"{iou:.17g}")


if __name__ == "__main__":
    main()
