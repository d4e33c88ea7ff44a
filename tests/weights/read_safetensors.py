#!/usr/bin/env python3
"""Prints what a safetensors file holds, as JSON in the form of golden/safetensors.json.

    python read_safetensors.py torch|numpy FILE
"""

import json
import sys

from safetensors import safe_open

library, path = sys.argv[1:]
if library == "torch":
    import torch
    from safetensors.torch import load_file
else:
    from safetensors.numpy import load_file


def described(value):
    if library == "torch":
        raw = value.contiguous().view(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b""
        return {"dtype": str(value.dtype).removeprefix("torch."), "shape": list(value.shape), "bytes": raw.hex()}
    return {"dtype": str(value.dtype), "shape": list(value.shape), "bytes": value.tobytes().hex()}


with safe_open(path, "np") as file:
    metadata = file.metadata() or {}
print(json.dumps({"metadata": metadata, "tensors": {name: described(value) for name, value in load_file(path).items()}}))
