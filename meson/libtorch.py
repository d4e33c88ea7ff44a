#!/usr/bin/env python3
"""Finds LibTorch: a folder that was named, else VOS_TORCH, else the `torch` that this Python would import (not imported: that takes seconds).

Prints, a line each: the root folder, the version, the CUDA run-time library (or nothing), then the CUDA header folders.
"""

import importlib.util
import os
import re
import sys
from pathlib import Path

FLOOR = (2, 7)  # the first version whose every wheel has the C++11 ABI


class NotFound(Exception):
    pass


def is_root(folder):
    return (folder / "include/torch/csrc/api/include/torch/torch.h").is_file() and any(
        (folder / "lib" / name).is_file() for name in ("libtorch_cpu.so", "libtorch_cpu.dylib"))


def version_of(root):
    """'2.11.0+cu130' from the wheel's version.py or LibTorch's build-version; numbers alone from the header otherwise."""
    for name, pattern in (("version.py", r"__version__ = '([^']+)'"), ("build-version", r"(\S+)"),
                          ("include/torch/headeronly/version.h", r'TORCH_VERSION "([^"]+)"'),
                          ("include/torch/csrc/api/include/torch/version.h", r'TORCH_VERSION "([^"]+)"')):
        if (root / name).is_file():
            if found := re.search(pattern, (root / name).read_text()):
                return found[1]
    raise NotFound(f"{root} does not say which version of LibTorch it is")


def is_supported(version):
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2]) >= FLOOR


def named(folder):
    """The root in a folder that the user named: that folder, or the `torch` or `libtorch` inside it."""
    folder = Path(folder).expanduser().resolve()
    for root in (folder, folder / "torch", folder / "libtorch"):
        if is_root(root):
            return root
    raise NotFound(f"there is no LibTorch in {folder}: expected include/torch and lib/libtorch_cpu.so")


def importable():
    """The root of the `torch` that this Python would import, or None."""
    try:
        spec = importlib.util.find_spec("torch")
    except (ImportError, ValueError):
        return None
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if is_root(Path(folder)):
            return Path(folder).resolve()
    return None


def cuda_parts(root):
    """(run-time library or None, header folders): from the wheels beside torch, else from an installed toolkit."""
    wheels = root.parent / "nvidia"
    for home in [*sorted(wheels.glob("cu[0-9]*"), reverse=True), Path(os.environ.get("CUDA_HOME", "/usr/local/cuda"))]:
        if (home / "include/cuda_runtime_api.h").is_file():
            library = next((p for lib in ("lib", "lib64") for p in sorted((home / lib).glob("libcudart.so*"))), None)
            cccl = [home / "include/cccl"] if (home / "include/cccl").is_dir() else []
            return library, [home / "include", *cccl]
    split = sorted(wheels.glob("*/include"))  # CUDA 12: one folder for each library
    return next(iter(sorted(wheels.glob("cuda_runtime/lib/libcudart.so*"))), None), split


def find(hint=""):
    hint = hint or os.environ.get("VOS_TORCH", "")
    root = named(hint) if hint else importable()
    if root is None:
        raise NotFound("no LibTorch was named, and this Python has no `torch`")
    version = version_of(root)
    if not is_supported(version):
        raise NotFound(f"LibTorch {version} in {root} is older than {'.'.join(map(str, FLOOR))}")
    return root, version


if __name__ == "__main__":
    try:
        root, version = find(sys.argv[1] if len(sys.argv) > 1 else "")
    except NotFound as error:
        sys.exit(f"{error}\n  mend: pass -Dtorch=PATH or set VOS_TORCH to the folder of a `torch` wheel or an unpacked LibTorch, or run ./vos build")
    library, headers = cuda_parts(root)
    print(root, version, library or "", *headers, sep="\n")
