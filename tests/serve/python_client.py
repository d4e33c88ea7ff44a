#!/usr/bin/env python3
"""python_client.py VOS_SERVE VOS_INFER CLIENT: a session made with the Python client, exported, and run again by vos-infer
gives the same masks; so does one that begins with a mask. SIGTERM then ends the server with 0."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path


def main():
    serve, infer, client = sys.argv[1:4]
    try:
        import numpy  # noqa: F401
    except ImportError:
        other = os.environ.pop("VOS_PYTHON", "")  # LibTorch's, which has it
        if other:
            return subprocess.run([other, *sys.argv]).returncode
        print("[skipped] the client needs numpy")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        clip = "synthetic:crossing,frames=12,size=160x90"
        server = subprocess.Popen([serve, "--port", "0", "--state", folder / "state", "--input", clip, "--quiet"], stdout=subprocess.PIPE, text=True)
        try:
            link = next(line.strip() for line in server.stdout if "http" in line)
            run = lambda *words: subprocess.run([sys.executable, client, link, *map(str, words)], check=True, timeout=240)
            run("--box", "2,40,52,72", "--output", folder / "box", "--session", folder / "box.json")
            run("--mask", folder / "box/00000.png", "--output", folder / "mask", "--session", folder / "mask.json")
        finally:
            server.send_signal(signal.SIGTERM)
            ended = server.wait(timeout=60)
        assert ended == 0, f"the server ended with {ended}"
        assert str(folder) not in (folder / "box.json").read_text(), "the session tells a path of the server"
        for name in ("box", "mask"):
            again = folder / (name + "-again")
            subprocess.run([infer, "--session", folder / (name + ".json"), "--output", again, "--format", "png", "--quiet"], check=True, timeout=240)
            found = sorted((folder / name).glob("*.png"))
            assert len(found) == 12, f"{len(found)} masks"
            sys.path.insert(0, str(Path(client).parent))
            import wire
            for path in found:
                ours, theirs = wire.read_png(path), wire.read_png(next(again.rglob(path.name)))
                assert (ours == theirs).all(), f"{name}: {path.name} differs in {(ours != theirs).sum()} pixels"
            assert wire.read_png(found[0]).any(), "no object was found"
    print("1 passed: the same masks by vos-infer, from a box and from a mask")
    return 0


sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
sys.exit(main())
