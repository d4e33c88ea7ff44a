#!/usr/bin/env python3
"""Makes zip/*.pth and zip/tensors.tsv, what torch.save writes by default and what is in it.

    python make_torch_zip.py      with torch 2.11.0+cpu or +cu130, on a little-endian machine

A line of tensors.tsv is a tensor: file, path, type, sizes, strides, offset, device, whether it requires a gradient, the first
path whose storage it shares (its own where it is the first), its elements in hex, the last axis running fastest.
"""

import io
import zipfile
from pathlib import Path

import torch

OUT = Path(__file__).resolve().parent / "zip"


def numbers(count):
    """Bytes without a pattern, the same each time; small enough to be finite in every type."""
    state, out = 1, []
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        out.append(state >> 16 & 0x3F)
    return torch.tensor(out, dtype=torch.uint8)


def dtypes():
    tree = {}
    for name in ("uint8 int8 int16 int32 int64 float16 float32 float64 complex32 complex64 complex128 bool bfloat16 float8_e5m2 "
                 "float8_e4m3fn float8_e5m2fnuz float8_e4m3fnuz float8_e8m0fnu float4_e2m1fn_x2 uint16 uint32 uint64").split():
        dtype = getattr(torch, name)
        bits = numbers(6 * dtype.itemsize)
        tree[name] = (bits % 2 if name == "bool" else bits).view(dtype).reshape(2, 3)
    for dtype in (torch.qint8, torch.quint8, torch.qint32):
        tree[str(dtype)[6:]] = torch.quantize_per_tensor(torch.tensor([-1.5, 0.25, 3.0]), 0.25, 5, dtype)
    return tree


def views():
    base = torch.arange(24.0).reshape(4, 6)
    return {"base": base, "tied": base, "rows": base[1:3], "columns": base[:, ::2], "transposed": base.t(), "scalar": base[2, 3],
            "expanded": base[0].expand(3, 6), "flat": base.view(-1)[5:7], "copy": base.clone(), "none": torch.zeros(0),
            "none_of_three": torch.zeros(0, 3),
            "channels_last": torch.arange(12.0).reshape(1, 2, 2, 3).contiguous(memory_format=torch.channels_last)}


def training():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    return {"epoch": 7, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "best": (0.5, None, True),
            "parameters": list(model.parameters()), "lr_scheduler": {"last_lr": [1e-3], "milestones": {3: 1}}}


def packed_again(content, **how):
    """By Python's zipfile: folders have entries, sizes stand where other tools put them."""
    out = io.BytesIO()
    source = zipfile.ZipFile(io.BytesIO(content))
    with zipfile.ZipFile(how.pop("to", lambda: out)(), "w", **how) as target:
        target.mkdir(source.namelist()[0].split("/")[0])
        for name in source.namelist():
            with target.open(zipfile.ZipInfo(name), "w", force_zip64=True) as entry:
                entry.write(source.read(name))
    return out.getvalue()


def streamed_again(content):
    """To where there is no going back: sizes stand behind the bytes."""
    class Pipe(io.RawIOBase):
        def __init__(self):
            self.content = b""

        def writable(self):
            return True

        def write(self, data):
            self.content += bytes(data)
            return len(data)

    pipe = Pipe()
    source = zipfile.ZipFile(io.BytesIO(content))
    with zipfile.ZipFile(pipe, "w") as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name), source.read(name))
    return pipe.content


def deflated(content):
    out = io.BytesIO()
    source = zipfile.ZipFile(io.BytesIO(content))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name), source.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def tensors_in(tree, path=""):
    if isinstance(tree, torch.Tensor):
        yield path, tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from tensors_in(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, (list, tuple)):
        for i, value in enumerate(tree):
            yield from tensors_in(value, f"{path}[{i}]")


def elements(tensor):
    if tensor.is_quantized:
        tensor = tensor.int_repr()
    tensor = tensor.detach().contiguous()
    return bytes(tensor.view(-1).view(torch.uint8).tolist()).hex() if tensor.numel() else ""


def describe(file, tree, device="cpu"):
    first = {}
    for path, tensor in tensors_in(tree):
        owner = first.setdefault(tensor.untyped_storage()._cdata, path)
        yield "\t".join([file, path, str(tensor.dtype)[6:], str(list(tensor.shape)), str(list(tensor.stride())),
                         str(tensor.storage_offset()), device, str(int(tensor.requires_grad)), owner, elements(tensor)])


def main():
    OUT.mkdir(exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    lines = []

    def save(name, tree, device="cpu", **how):
        torch.save(tree, OUT / name, **how)
        lines.extend(describe(name, tree, device))

    save("dtypes.pth", dtypes())
    save("views.pth", views())
    save("training.pth", training())
    small = {"a": torch.arange(6.0).reshape(2, 3), "b": numbers(5)}
    save("protocol4.pth", small, pickle_protocol=4)

    # Storages say which device they were on. There is no GPU here, so a stand-in says it for them.
    torch.serialization.register_package(0, lambda storage: "cuda:1", lambda storage, location: None)
    save("cuda.pth", small, device="cuda:1")
    torch.serialization._package_registry.pop(0)

    torch.serialization.set_crc32_options(False)
    save("no_crc.pth", small)
    torch.serialization.set_crc32_options(True)
    with torch.serialization.skip_data():
        torch.save(small, OUT / "skipped.pth")

    buffer = io.BytesIO()
    torch.save(small, buffer)
    for name, content in (("buffer.pth", buffer.getvalue()), ("packed_again.pth", packed_again(buffer.getvalue())),
                          ("streamed_again.pth", streamed_again(buffer.getvalue()))):
        (OUT / name).write_bytes(content)
        lines.extend(describe(name, small))
    (OUT / "deflated.pth").write_bytes(deflated(buffer.getvalue()))
    (OUT / "tensors.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
