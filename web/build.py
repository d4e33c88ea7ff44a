#!/usr/bin/env python3
"""Builds the page's WebAssembly: build.py EMXX SOURCE JS DEPFILE FLATBUFFERS INCLUDES... Gives JS and, beside it, the .wasm."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

emxx, source, output, depfile, flatbuffers, *includes = sys.argv[1:]
script = Path(output).absolute()
# Debian's Emscripten finds acorn only where it is told to look.
environment = {**os.environ, "NODE_PATH": os.environ.get("NODE_PATH", "/usr/share/nodejs")}

# The headers of FlatBuffers in a folder of their own: with all of /usr/include, the system's libc would shadow Emscripten's.
headers = script.parent / "flatbuffers-headers"
if not (headers / "flatbuffers").exists():
    shutil.copytree(flatbuffers, headers / "flatbuffers")

compiled = script.with_suffix(".o")
flags = ["-std=c++20", "-O3", "-msimd128", "-fno-rtti", "-Wall", "-Wextra"]
link = ["MODULARIZE=1", "EXPORT_ES6=1", "DYNAMIC_EXECUTION=0", "ENVIRONMENT=web", "FILESYSTEM=0", "MALLOC=emmalloc",
        "ALLOW_MEMORY_GROWTH=1", "MAXIMUM_MEMORY=268435456", "EXPORTED_RUNTIME_METHODS=[]"]
subprocess.run([emxx, *flags, *[f"-I{folder}" for folder in [*includes, headers]], "-MMD", "-MF", depfile, "-MT", output,  # as Ninja calls it
                "-c", source, "-o", compiled], check=True, env=environment)
subprocess.run([emxx, *flags, compiled, "-o", script, "--no-entry", *[f"-s{option}" for option in link]], check=True, env=environment)
