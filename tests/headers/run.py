#!/usr/bin/env python3
"""run.py BUILD INCLUDE_DIR FLAGS_SOURCE [opencv] [net] [wire] [serve]: each header compiles alone and twice over, without warnings, and reaches
only what its folder may know. Headers that need OpenCV, Boost or FlatBuffers are left out where the build is without it.

They are compiled as who links vos-torch compiles them; the unit tests compile them all as who uses headers only."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from compile import Compiler, run_cases
from scan import Headers


def layering(headers, name):
    """What is wrong with what a header includes, or nothing. See docs/architecture.md for the reasons."""
    folder, libraries = name.removeprefix("vos/"), headers.libraries(name)
    if "opencv" in libraries and not folder.startswith(("io/", "model/flow/", "project/")):
        return "reaches OpenCV; only io/, model/flow/ and project/ may (others behind #if VOS_OPENCV)"
    if "files" in libraries and not folder.startswith(("io/", "data/", "model/flow/", "project/")):
        return "reaches libpng, simdjson or libzip; only io/, data/ and project/ may (others behind #if VOS_OPENCV)"
    if "beast" in libraries and not folder.startswith(("serve/", "net/")):
        return "reaches Boost; only serve/ and net/ may"
    if "torch" in libraries and folder.startswith(("wire/", "serve/")):
        return "reaches LibTorch; wire/ and serve/ do without"
    if folder.startswith("core/") and "torch" in libraries:
        text = (headers.root / name).read_text()
        if "<torch/" in text:
            return "includes <torch/...>; core/ may know <ATen/core/Tensor.h> and c10 at most"
    return ""


def main():
    build, include, flags, *features = sys.argv[1:]
    headers = Headers(include)
    names = [n for n in headers.names if headers.reach(n) in {"plain", "torch", *features}]
    # The heavy ones first, so that they do not all queue up at the end.
    names.sort(key=lambda n: ("plain", "wire", "net", "serve", "torch", "opencv").index(headers.reach(n)), reverse=True)
    compiler = Compiler(build, flags)

    bare = "vos/models.hpp without OpenCV"

    def check(name):
        if name == bare:
            unwanted = "#if defined(CV_VERSION) || defined(PNG_LIBPNG_VER) || defined(SIMDJSON_VERSION) || defined(LIBZIP_VERSION)\n#error reaches a library of the files feature\n#endif\n"
            status, messages = compiler("#include <vos/models.hpp>\n" + unwanted, "-Werror", "-UVOS_OPENCV")
            return messages or f"the compiler ended with status {status}" if status else ""
        if message := layering(headers, name):
            return f"{name} {message}"
        status, messages = compiler(f"#include <{name}>\n#include <{name}>\n", "-Werror", "-DVOS_TORCH_LIBRARY")
        return messages or f"the compiler ended with status {status}" if status else ""

    return run_cases([bare, *names] if "opencv" in features else names, check)


sys.exit(main())
