#!/usr/bin/env python3
"""Makes torch.safetensors, numpy.safetensors and safetensors.json, which says what is in them.

    python make_safetensors.py        safetensors 0.8.0, torch 2.11.0, numpy 2.4.6
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file as save_torch

HERE = Path(__file__).resolve().parent
DTYPES = """uint8 int8 int16 int32 int64 float16 float32 float64 complex64 bool bfloat16 float8_e5m2 float8_e4m3fn
float8_e5m2fnuz float8_e4m3fnuz float8_e8m0fnu float4_e2m1fn_x2 uint16 uint32 uint64""".split()


def described(raw, dtype, shape):
    return {"dtype": dtype, "shape": list(shape), "bytes": raw.hex()}


def torch_tensors():
    random = np.random.default_rng(5)
    for name in DTYPES:
        dtype = getattr(torch, name)
        width = torch.empty(0, dtype=dtype).element_size()
        raw = random.integers(0, 2 if name == "bool" else 256, 6 * width, dtype=np.uint8)
        yield f"all.{name}", torch.from_numpy(raw).view(dtype).reshape(2, 3)
    yield "scalar", torch.tensor(1.5)
    yield "empty", torch.zeros(0)
    yield "empty.wide", torch.zeros(3, 0, 5, dtype=torch.bfloat16)
    yield "seven.dimensions", torch.arange(12).reshape(1, 2, 1, 3, 1, 2, 1)
    yield 'odd "name"\\ of\nlayer/ü', torch.ones(1)
    yield "", torch.full((2,), 2.0)


def main():
    expected = {}
    tensors = dict(torch_tensors())
    metadata = {"format": "pt", "note": 'with "quotes" and ü', "": "empty key"}
    save_torch(tensors, HERE / "torch.safetensors", metadata)
    expected["torch.safetensors"] = {"metadata": metadata, "tensors": {
        name: described(tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b"",
                        str(tensor.dtype).removeprefix("torch."), tensor.shape) for name, tensor in tensors.items()}}

    arrays = {f"all.{name}": np.arange(-3, 3).astype(name).reshape(3, 2) for name in
              ("uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "bool", "uint16", "uint32", "uint64")}
    save_numpy(arrays, HERE / "numpy.safetensors")
    expected["numpy.safetensors"] = {"metadata": {}, "tensors": {
        name: described(array.tobytes(), str(array.dtype), array.shape) for name, array in arrays.items()}}
    (HERE / "safetensors.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


main()
