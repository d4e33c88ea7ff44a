"""Makes resize.bin: what OpenCV and Pillow make of small pictures.

    python make_resize.py      opencv-python-headless 4.10.0.84, Pillow 13.0.0, numpy 2.4.6

Each record: kernel as a zero-ended name, int32 height width out_height out_width, float64 factor (0: by size), then the input
and the output, uint8 [H,W,3] (labels: uint8 [H,W]).
"""

import struct
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

rng = np.random.default_rng(7)
cv2.setNumThreads(1)


def picture(h, w):
    """Smooth shapes, hard edges and noise, so that rounding and overshoot are both exercised."""
    y, x = np.mgrid[0:h, 0:w]
    base = 127 + 120 * np.sin(x / 3.1 + y / 5.3)[..., None] * np.array([1, -1, 0.5])
    base[y > x] += 90
    base += rng.integers(-40, 40, (h, w, 3))
    return np.clip(base, 0, 255).astype(np.uint8)


def labels(h, w):
    return rng.integers(0, 5, (h, w)).astype(np.uint8)


SIZES = [((15, 23), (8, 14)), ((15, 23), (31, 25)), ((12, 20), (6, 10)), ((7, 5), (20, 17)), ((15, 25), (15, 11)),
         ((15, 25), (4, 25)), ((5, 3), (1, 1)), ((1, 7), (6, 9)), ((40, 32), (5, 6))]
FACTORS = [((31, 27), 0.7431), ((12, 20), 1.2873), ((15, 10), 0.5)]

out = bytearray()


def record(kernel, source, result, factor=0.0):
    global out
    out += kernel.encode() + b"\0" + struct.pack("<4id", *source.shape[:2], *result.shape[:2], factor)
    out += np.ascontiguousarray(source).tobytes() + np.ascontiguousarray(result).tobytes()


for (h, w), (oh, ow) in SIZES:
    rgb, ids = picture(h, w), labels(h, w)
    record("opencv-linear", rgb, cv2.resize(rgb, (ow, oh), interpolation=cv2.INTER_LINEAR))
    record("opencv-cubic", rgb, cv2.resize(rgb, (ow, oh), interpolation=cv2.INTER_CUBIC))
    record("opencv-nearest", ids, cv2.resize(ids, (ow, oh), interpolation=cv2.INTER_NEAREST))
    for name, filter in (("linear", Image.BILINEAR), ("cubic", Image.BICUBIC)):
        record("pillow-" + name, rgb, np.asarray(Image.fromarray(rgb).resize((ow, oh), filter)))
    record("pillow-nearest", ids, np.asarray(Image.fromarray(ids).resize((ow, oh), Image.NEAREST)))
for (h, w), factor in FACTORS:
    rgb, ids = picture(h, w), labels(h, w)
    record("opencv-linear", rgb, cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR), factor)
    record("opencv-nearest", ids, cv2.resize(ids, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST), factor)
    as_float = cv2.resize(rgb.astype(np.float32), None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    record("opencv-cubic-float", rgb, as_float.astype(np.float32), factor)

Path(__file__).with_name("resize.bin").write_bytes(out)
print(len(out), "bytes")
