#!/usr/bin/env python3
"""run.py MESON BUILD EMBED: installs the build into an empty prefix and builds and runs examples/embed from there alone, as
who uses pkg-config and as who uses CMake. The prefix is moved first: an installation finds itself where it lies."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from compile import run_cases

EXPECTED = re.compile(r"(frame \d+: object 1 score \S+ object 2 score \S+\n){8}")


def run(*command, **environment):
    """(exit status, what it said)"""
    done = subprocess.run([str(word) for word in command], env={**os.environ, **{k: str(v) for k, v in environment.items()}},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def main():
    meson, build, embed = sys.argv[1:]
    work = Path(tempfile.mkdtemp(prefix="vos-embed-"))
    try:
        status, messages = run(meson, "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", work / "staged")
        if status != 0:
            print(messages)
            return run_cases(["install"], lambda _: f"meson install ended with status {status}")
        header = next((work / "staged").rglob("include/vos/vos.hpp"))
        prefix = work / "moved"
        header.parents[2].rename(prefix)
        pc = next(prefix.rglob("vos.pc")).parent
        search = {"PKG_CONFIG_PATH": f"{pc}:{os.environ.get('PKG_CONFIG_PATH', '')}"}

        def ran(program):
            status, messages = run(program)
            return "" if status == 0 and EXPECTED.fullmatch(messages) else f"it ended with status {status} and said:\n{messages}"

        def by_pkg_config():
            status, messages = run(Path(embed) / "build.sh", work / "embed-pkg-config", **search)
            return messages or f"status {status}" if status != 0 else ran(work / "embed-pkg-config")

        def by_cmake():
            folder = work / "cmake"
            for step in (["-S", embed, "-B", folder, f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release"], ["--build", folder]):
                status, messages = run("cmake", *step)
                if status != 0:
                    return messages
            return ran(folder / "embed")

        def torch_elsewhere():
            """LibTorch's place is a variable of the package: another one replaces it everywhere."""
            _, torch = run("pkg-config", "--variable=torch", "vos", **search)
            for package in ("vos", "vos-headers"):
                status, flags = run("pkg-config", "--define-variable=torch=/elsewhere/torch", "--cflags", "--libs", package, **search)
                if status != 0 or torch.strip() in flags or "-L/elsewhere/torch/lib" not in flags:
                    return f"{package}: status {status}, {flags}"
            return ""

        def headers_only():
            status, flags = run("pkg-config", "--cflags", "vos-headers", **search)
            if status != 0:
                return flags
            return "the headers-only package promises the compiled library" if "VOS_TORCH_LIBRARY" in flags else ""

        def tool_runs():
            tool = prefix / "bin/vos-infer"
            if not tool.exists():
                return ""
            status, messages = run(tool, "--list-models")
            return "" if status == 0 and "hold" in messages else messages

        cases = {"pkg-config": by_pkg_config, "another LibTorch": torch_elsewhere, "headers only": headers_only, "installed tool": tool_runs}
        cases["CMake"] = by_cmake
        if not shutil.which("cmake"):
            print("[skipped] CMake: there is no cmake on this machine")
            cases["CMake"] = lambda: ""
        return run_cases(list(cases), lambda name: cases[name]())
    finally:
        shutil.rmtree(work, ignore_errors=True)


sys.exit(main())
