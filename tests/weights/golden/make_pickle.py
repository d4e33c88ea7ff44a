#!/usr/bin/env python3
"""Makes pickle/*.pkl and pickle/tensors.tsv: pickles of numpy arrays, and what is in them.

    python make_pickle.py      with Python 3.11, numpy 2.4

tensors.tsv is as make_torch_zip.py says. python2_*.pkl are in the words of Python 2, which is not here to write them: texts and
arrays are both its 8-bit `str`. Python 3 reads them with encoding="latin1", and that is checked.
"""

import pickle
import struct
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parent / "pickle"
DTYPES = {"u1": "uint8", "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64", "f2": "float16", "f4": "float32",
          "f8": "float64", "c8": "complex64", "c16": "complex128", "b1": "bool", "u2": "uint16", "u4": "uint32", "u8": "uint64"}


def arrays():
    random = np.random.default_rng(5)
    tree = {}
    for name in DTYPES:
        count = 6 * np.dtype(name).itemsize
        raw = random.integers(0, 2 if name == "b1" else 256, count, dtype=np.uint8).tobytes()
        tree[name] = np.frombuffer(raw, name).reshape(2, 3).copy()
        if np.dtype(name).itemsize > 1:
            tree["big " + name] = tree[name].astype(">" + name)
    tree["fortran"] = np.asfortranarray(np.arange(24, dtype="f4").reshape(2, 3, 4))
    tree["every second"] = np.arange(12, dtype="f4").reshape(3, 4)[:, ::2]
    tree["zero axes"] = np.array(2.5)
    tree["none"] = np.zeros((0, 3), "f4")
    return tree


def scalars():
    return {"f4": np.float32(1.5), "f8": np.float64(-2.5), "i8": np.int64(-3), "u8": np.uint64(2**64 - 1), "b1": np.bool_(True),
            "i4": np.frombuffer(b"\x00\x00\x00\x07", ">i4")[0]}


def small():
    return {"model": {"stem.conv1.weight": np.arange(4, dtype="f4").reshape(2, 2), "fc.bias": np.array([1, -1], "f8")},
            "__author__": "somebody", "matching_heuristics": True}


def permuted():
    cube = np.arange(24, dtype="f4").reshape(2, 3, 4)
    return {"120": cube.transpose(1, 2, 0), "102": cube.transpose(1, 0, 2), "big 201": cube.astype(">f4").transpose(2, 0, 1)}


def describe(file, tree, path="", as_they_lie=False):
    for key, value in tree.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            yield from describe(file, value, here)
        elif isinstance(value, np.ndarray):
            fortran = value.flags.f_contiguous and not value.flags.c_contiguous
            kept = value if fortran or as_they_lie else np.ascontiguousarray(value).reshape(value.shape)
            strides = [s // value.itemsize for s in kept.strides] if value.size else [3, 1]
            little = value.astype(value.dtype.newbyteorder("<"))
            yield "\t".join([file, here, DTYPES[value.dtype.str[1:]], str(list(value.shape)), str(strides), "0", "cpu", "0", here,
                             little.tobytes("C").hex()])


class Python2:
    """Enough of Python 2's pickle to write `small()`."""

    def __init__(self, protocol):
        self.protocol, self.out, self.kept = protocol, b"\x80\x02" if protocol == 2 else b"", 0

    def keep(self):
        self.kept += 1
        self.out += b"q" + bytes([self.kept]) if self.protocol else b"p%d\n" % self.kept

    def put(self, value):
        binary = self.protocol == 2
        if isinstance(value, dict):
            self.out += b"}" if binary else b"(d"
            self.keep()
            for key, item in value.items():
                self.put(key)
                self.put(item)
                self.out += b"s"
        elif isinstance(value, (str, bytes)):
            raw = value.encode() if isinstance(value, str) else value
            if binary:
                self.out += b"U" + bytes([len(raw)]) + raw if len(raw) < 256 else b"T" + struct.pack("<i", len(raw)) + raw
            else:
                self.out += b"S" + repr(raw)[1:].encode() + b"\n"
            self.keep()
        elif isinstance(value, bool):
            self.out += (b"\x88" if value else b"\x89") if binary else b"I%02d\n" % value
        elif isinstance(value, int):
            self.out += b"J" + struct.pack("<i", value) if binary else b"I%d\n" % value
        elif value is None:
            self.out += b"N"
        elif isinstance(value, tuple):
            self.out += b"("
            for item in value:
                self.put(item)
            self.out += b"t"
            self.keep()
        elif isinstance(value, np.ndarray):
            self.out += b"cnumpy.core.multiarray\n_reconstruct\n"
            self.keep()
            self.out += b"(cnumpy\nndarray\n"
            self.keep()
            self.put((0,))
            self.put("b")
            self.out += b"tR"
            self.keep()
            self.out += b"("
            self.put(1)
            self.put(value.shape)
            self.out += b"cnumpy\ndtype\n"
            self.keep()
            self.put((value.dtype.str[1:], 0, 1))
            self.out += b"R"
            self.keep()
            self.put((3, "<", None, None, None, -1, -1, 0))
            self.out += b"b"
            self.put(False)
            self.put(value.tobytes())
            self.out += b"tb"
        else:
            raise TypeError(type(value))

    def dump(self, value):
        self.put(value)
        return self.out + b"."


def main():
    OUT.mkdir(exist_ok=True)
    lines = []

    def save(name, tree, content, **how):
        (OUT / name).write_bytes(content)
        lines.extend(describe(name, tree, **how))

    for protocol in range(6):
        save(f"arrays_{protocol}.pkl", arrays(), pickle.dumps(arrays(), protocol))
        (OUT / f"scalars_{protocol}.pkl").write_bytes(pickle.dumps(scalars(), protocol))
    for protocol in (0, 2):
        content = Python2(protocol).dump(small())
        loaded = pickle.loads(content, encoding="latin1")
        assert (loaded["model"]["fc.bias"] == small()["model"]["fc.bias"]).all() and loaded["__author__"] == "somebody"
        save(f"python2_{protocol}.pkl", small(), content)
    save("permuted.pkl", permuted(), pickle.dumps(permuted(), 5), as_they_lie=True)  # protocol 5 keeps the order of axes
    (OUT / "objects.pkl").write_bytes(pickle.dumps({"a": np.array([None, "x"], object)}, 2))
    (OUT / "texts.pkl").write_bytes(pickle.dumps({"a": np.array(["ab", "c"])}, 2))
    (OUT / "tensors.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
