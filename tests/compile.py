"""Compiles single sources the way the build does, for the tests whose subject is the compiler's answer."""

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


class Compiler:
    """The compiler and flags of one source of the build; answers are kept until a file that they came from changes."""

    def __init__(self, build, source):
        self.build = Path(build)
        entries = json.loads((self.build / "compile_commands.json").read_text())
        entry = next(e for e in entries if (Path(e["directory"]) / e["file"]).resolve() == Path(source).resolve())
        words = iter(shlex.split(entry["command"]))
        self.directory, self.command = entry["directory"], []
        for word in words:
            if word in ("-o", "-MF", "-MQ", "-MT", "-x"):
                next(words)
            elif word not in ("-c", "-MD", entry["file"]) and Path(word).name != "ccache" and not word.startswith(("-O", "-g", "-fdiagnostics-color")):
                self.command.append(word)
        self.kept = self.build / "tests" / "answers"
        self.kept.mkdir(parents=True, exist_ok=True)

    def __call__(self, source, *flags):
        """(exit status, messages) for a source text."""
        command = [*self.command, *flags]
        key = hashlib.sha256(json.dumps([command, source]).encode()).hexdigest()[:24]
        answer, text, deps = (self.kept / f"{key}{end}" for end in (".json", ".cpp", ".d"))
        if answer.exists():
            last = json.loads(answer.read_text())
            if all(os.path.exists(p) and os.stat(p).st_mtime_ns == mtime for p, mtime in last["files"].items()):
                return last["status"], last["messages"]
        text.write_text(source)
        begin = time.time_ns()
        done = subprocess.run([*command, "-fsyntax-only", "-MD", "-MF", deps, "-MT", "x", text],
                              cwd=self.directory, env={**os.environ, "LC_ALL": "C"}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        names = re.sub(r"^x:|\\\n", " ", deps.read_text()) if deps.exists() else ""
        files = [name.replace("\\ ", " ") for name in re.split(r"(?<!\\)\s+", names) if name]
        files = [str((Path(self.directory) / f).resolve()) for f in files if not f.endswith(text.name)]
        times = {f: os.stat(f).st_mtime_ns for f in files}
        if files and max(times.values()) < begin:
            answer.write_text(json.dumps({"status": done.returncode, "messages": done.stdout, "files": times}))
        text.unlink()
        deps.unlink(missing_ok=True)
        return done.returncode, done.stdout


def run_cases(cases, check):
    """Checks the cases side by side; prints each failure and the count that `./vos test` adds up. Gives the exit status."""
    failed = 0
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for case, message in zip(cases, pool.map(check, cases)):
            if message:
                failed += 1
                print(f"FAILED {case}\n{message}\n", flush=True)
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit("a module of the header and reject tests, not a program")
