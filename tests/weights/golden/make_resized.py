#!/usr/bin/env python3
"""Position tables made for another size, by the code that Swin's authors run when they load one: resized.tsv.

    python tests/weights/golden/make_resized.py     # Python 3.11.2, torch 2.11.0

Inputs are tensors of the aot fill, numbered 1, 2, 3; values of the results are bits of float32, in row-major order.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

U32 = np.uint32


def fill(number, shape):
    s = np.arange(np.prod(shape), dtype=np.uint64) + np.uint64(number * 0x9E3779B9)
    s = s.astype(U32)
    s = (s ^ (s >> U32(16))) * U32(0x85EBCA6B)
    s = (s ^ (s >> U32(13))) * U32(0xC2B2AE35)
    s = s ^ (s >> U32(16))
    return torch.from_numpy((s.astype(np.float64) / 2.0**32 * 2 - 1).astype(np.float32)).reshape(shape)


def window_table(table, window):
    side, goal = int(table.shape[0] ** 0.5), 2 * window - 1
    grid = table.permute(1, 0).view(1, table.shape[1], side, side)
    return F.interpolate(grid, size=(goal, goal), mode="bicubic").view(table.shape[1], goal * goal).permute(1, 0)


def positions(embed, side):
    old = int(embed.shape[1] ** 0.5)
    grid = embed.reshape(-1, old, old, embed.shape[2]).permute(0, 3, 1, 2)
    return F.interpolate(grid, size=(side, side), mode="bicubic").permute(0, 2, 3, 1).flatten(1, 2)


np.seterr(over="ignore")
rows = {
    "window_table": window_table(fill(1, (49, 3)), 6),
    "positions": positions(fill(2, (1, 16, 3)), 3),
    "grid": F.interpolate(fill(3, (1, 2, 3, 4)), size=(5, 2), mode="bicubic"),
}
lines = ["name\tshape\tbits"]
for name, value in rows.items():
    bits = value.contiguous().numpy().reshape(-1).view(U32)
    lines.append(f"{name}\t{'x'.join(map(str, value.shape))}\t{' '.join(f'{b:08x}' for b in bits)}")
Path(__file__).with_name("resized.tsv").write_text("\n".join(lines) + "\n")
