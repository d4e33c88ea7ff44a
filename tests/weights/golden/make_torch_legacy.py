#!/usr/bin/env python3
"""Makes legacy/*.pth and legacy/tensors.tsv: what torch.save wrote before 1.6, and what is in it.

    python make_torch_legacy.py      with torch 2.11.0+cpu or +cu130 and numpy 2.4, on a little-endian machine

tensors.tsv is as make_torch_zip.py says.
"""

import argparse
import collections
import io
import pathlib
import pickle
import struct
import sys
import types

import numpy
import torch
from make_torch_zip import describe, dtypes, numbers, training, views

OUT = pathlib.Path(__file__).resolve().parent / "legacy"


def fake_class(module, name, base):
    """A class under the name of a package that is not installed; what is pickled is that name."""
    made = type(name, (base,), {"__module__": module})
    for i in range(1, module.count(".") + 2):
        package = ".".join(module.split(".")[:i])
        sys.modules.setdefault(package, types.ModuleType(package))
    setattr(sys.modules[module], name, made)
    return made


def containers():
    config = fake_class("yacs.config", "CfgNode", dict)({"LR": 0.5})
    config.__dict__["__immutable__"] = True
    config["MODEL"] = type(config)({"NAMES": ("a", "b")})
    counted = collections.defaultdict(list, {"x": [1, 2]})
    return {"weight": torch.arange(3.0), "args": argparse.Namespace(lr=1e-4, resume="", epochs=[1, 2]), "cfg": config,
            "counts": collections.Counter("aab"), "default": counted, "path": pathlib.PurePosixPath("/data/ovis"),
            "set": {3}, "frozen": frozenset([4]), "bytes": b"\x00\xff", "mutable": bytearray(b"xyz"), "complex": 1 + 2j,
            "large": 2**70, "negative": -2**70, "edge": [2**63 - 1, -2**63, 2**63, -1, 255, 256, 65536],
            "range": range(3), "size": torch.Size([1, 2]), "dtype": torch.bfloat16, "device": torch.device("cuda", 1),
            "layout": torch.strided, "array": numpy.arange(3), "no array": numpy.zeros(0), "none": None, "truth": (True, False), "real": [0.5, float("inf")], "text": "löwe"}


def storage_views():
    """As PyTorch 0.1.10 to 0.4 wrote: tensors of a part of a storage name the whole, then the part."""
    class Part:
        def __init__(self, offset, count):
            self.offset, self.count = offset, count

    class Whole:
        pass

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            if isinstance(value, Part):
                return ("storage", torch.FloatStorage, "17", "cpu", 6, (f"{17 + value.offset}", value.offset, value.count))
            return ("storage", torch.FloatStorage, "17", "cpu", 6, None) if isinstance(value, Whole) else None

        def reducer_override(self, value):
            if isinstance(value, torch.Tensor):
                part = Whole() if value.numel() == 6 else Part(value.storage_offset(), value.numel())
                return torch._utils._rebuild_tensor, (part, 0, tuple(value.shape), value.stride())
            return NotImplemented

    base = torch.arange(6.0)
    tree = {"first": base[:2], "whole": base, "last": base[3:]}
    out = io.BytesIO()
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    for value in (0x1950a86a20f9469cfc6c, 1001, machine):
        pickle.dump(value, out, 2)
    Pickler(out, 2).dump(tree)
    pickle.dump(["17"], out, 2)
    out.write(struct.pack("<q6f", 6, *base.tolist()))
    return out.getvalue(), tree


def main():
    OUT.mkdir(exist_ok=True)
    lines = []

    def save(name, tree, device="cpu", **how):
        torch.save(tree, OUT / name, _use_new_zipfile_serialization=False, **how)
        lines.extend(describe(name, tree, device))

    save("dtypes.pth", dtypes())
    save("views.pth", views())
    save("training.pth", training())
    save("containers.pth", containers())
    for name, raw in (("array", numpy.arange(3).tobytes().hex()), ("no array", "")):
        line = ["containers.pth", name, "int64" if raw else "float64", f"[{len(raw) // 16}]", "[1]", "0", "cpu", "0", name, raw]
        lines.append("\t".join(line))
    small = {"a": torch.arange(6.0).reshape(2, 3), "b": numbers(5)}
    for protocol in (1, 3, 4, 5):
        save(f"protocol{protocol}.pth", small, pickle_protocol=protocol)

    # Storages say which device they were on. There is no GPU here, so a stand-in says it for them.
    torch.serialization.register_package(0, lambda storage: "cuda:1", lambda storage, location: None)
    save("cuda.pth", small, device="cuda:1")
    torch.serialization._package_registry.pop(0)

    content, tree = storage_views()
    (OUT / "storage_views.pth").write_bytes(content)
    loaded = torch.load(OUT / "storage_views.pth", weights_only=False)
    assert all(torch.equal(loaded[name], tree[name]) for name in tree)
    lines.extend(describe("storage_views.pth", tree))

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(2))

    Net.__module__, Net.__qualname__ = "net", "Net"
    sys.modules["net"] = types.ModuleType("net")
    sys.modules["net"].Net = Net
    torch.save(Net(), OUT / "whole_module.pth", _use_new_zipfile_serialization=False)
    (OUT / "tensors.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
