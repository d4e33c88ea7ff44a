"""Makes pixels.bin: what Pillow and torchvision make of small pictures.

    python make_pixels.py      torchvision 0.26.0, Pillow 13.0.0, numpy 2.4.6

Each record: operation as a zero-ended name, int32 height width, float64 x 6 (its numbers, unused ones 0), then the input
and the output, uint8 [H,W,3] (nearest: uint8 [H,W]).
"""

import struct
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

rng = np.random.default_rng(11)
out = bytearray()


def picture(h, w):
    y, x = np.mgrid[0:h, 0:w]
    base = 127 + 120 * np.sin(x / 2.1 + y / 3.3)[..., None] * np.array([1, -1, 0.5])
    base[y > x] += 90
    base += rng.integers(-40, 40, (h, w, 3))
    base[: h // 4] = base[: h // 4].mean(-1, keepdims=True)  # some grey
    return np.clip(base, 0, 255).astype(np.uint8)


def record(name, source, result, *numbers):
    global out
    numbers = list(numbers) + [0.0] * (6 - len(numbers))
    out += name.encode() + b"\0" + struct.pack("<2i6d", *source.shape[:2], *numbers)
    out += np.ascontiguousarray(source).tobytes() + np.asarray(result).tobytes()


for name, change, factors in (("brightness", F.adjust_brightness, (0.0, 0.63, 1.0, 1.37)),
                              ("contrast", F.adjust_contrast, (0.0, 0.6, 1.4)),
                              ("saturation", F.adjust_saturation, (0.0, 0.8, 1.2, 3.0)),
                              ("hue", F.adjust_hue, (0.1, -0.27, 0.5, -0.004))):
    for factor in factors:
        rgb = picture(20, 24)
        record(name, rgb, change(Image.fromarray(rgb), factor), factor)
rgb = picture(20, 24)
record("grey", rgb, Image.fromarray(rgb).convert("L").convert("RGB"))
for h, w, sigma in ((20, 24, 0.1), (20, 24, 0.7), (24, 20, 1.3), (20, 24, 2.0), (9, 5, 3.7)):
    rgb = picture(h, w)
    record("blur", rgb, Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(radius=sigma)), sigma)
for h, w, angle, tx, ty, scale, sx, sy in ((24, 30, 17.0, 2, -1, 0.93, 8.0, 0.0), (30, 24, -12.5, 0, 3, 1.1, -6.0, 0.0),
                                           (24, 24, 5.0, 1, 1, 1.0, 4.0, 3.0)):
    numbers = (angle, tx, ty, scale, sx, sy)
    for name, mode in (("linear", InterpolationMode.BILINEAR), ("cubic", InterpolationMode.BICUBIC)):
        rgb = picture(h, w)
        made = F.affine(Image.fromarray(rgb), angle, (tx, ty), scale, (sx, sy), mode, fill=(124, 116, 104))
        record("warp-" + name, rgb, made, *numbers)
    ids = rng.integers(0, 5, (h, w)).astype(np.uint8)
    record("warp-nearest", ids, F.affine(Image.fromarray(ids), angle, (tx, ty), scale, (sx, sy), InterpolationMode.NEAREST, fill=0),
           *numbers)

Path(__file__).with_name("pixels.bin").write_bytes(out)
print(len(out), "bytes")
