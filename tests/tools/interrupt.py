"""Ctrl-C and SIGTERM as a user sends them: interrupt.py VOS_INFER. The run ends with 130 and complete files, and --continue
brings it to the end."""

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = sys.argv[1]
FRAMES = 1500
checks = []


def check(holds, what):
    checks.append(bool(holds))
    if not holds:
        print(f"FAILED: {what}")


def interrupted(out, number, *options):
    """Starts a run, sends the signal once 20 more frames are written, gives its exit code and what it printed."""
    journal = out / "frames.jsonl"
    before = journal.read_text().count("\n") if journal.exists() else 0
    process = subprocess.Popen([PROGRAM, "--input", f"synthetic:crossing,frames={FRAMES},size=160x96", "--model", "hold",
                                "--output", out, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not journal.exists() or journal.read_text().count("\n") < before + 20:
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            sys.exit(f"the run did not get far enough to be interrupted: {process.communicate()}")
        time.sleep(0.005)
    process.send_signal(number)
    printed, errors = process.communicate(timeout=60)
    return process.returncode, printed, errors


with tempfile.TemporaryDirectory() as folder:
    out = Path(folder) / "out"
    code, printed, errors = interrupted(out, signal.SIGINT)
    check(code == 130, f"Ctrl-C ends with 130, not {code}")
    found = re.search(r"(\d+) of (\d+) frames", printed)
    check(found and int(found[2]) == FRAMES, f"the report tells how far it came: {printed}")
    check("--continue" in printed, "the report tells how to go on")
    check(errors == "", f"nothing went wrong: {errors}")
    masks = sorted(path.name for path in out.glob("0*.png"))
    check(found and len(masks) == int(found[1]), "there is a label map for each frame that was reported")
    results = json.loads((out / "results.json").read_text())
    check(all(len(entry["segmentations"]) == len(masks) for entry in results), "results.json has as many frames")
    overlay = (out / "overlay.mp4").read_bytes()
    check(overlay[4:8] == b"ftyp" and b"moov" in overlay and b"mdat" in overlay, "overlay.mp4 has its index")
    check((out / "contact.png").read_bytes().endswith(b"IEND\xaeB`\x82"), "contact.png is whole")
    check(json.loads((out / "timing.json").read_text())["complete"] is False, "timing.json says that it is not the whole")
    check(not [path for path in out.iterdir() if path.name not in
               {*masks, "results.json", "overlay.mp4", "contact.png", "timing.json", "frames.jsonl"}], "no other files are left")

    code, printed, errors = interrupted(out, signal.SIGTERM, "--continue", "--json")
    check(code == 130, f"SIGTERM ends with 130, not {code}")
    report = json.loads(printed)
    check(report["complete"] is False and report["frames_kept"] == len(masks), "the JSON tells what was kept")

    end = subprocess.run([PROGRAM, "--input", f"synthetic:crossing,frames={FRAMES},size=160x96", "--model", "hold",
                          "--output", out, "--continue", "--json"], stdout=subprocess.PIPE, text=True)
    check(end.returncode == 0, "--continue brings it to its end")
    report = json.loads(end.stdout)
    check(report["complete"] is True and report["frames"] + report["frames_kept"] == FRAMES, "with every frame, once")
    check(len(list(out.glob("0*.png"))) == FRAMES, "and a label map for each")

print(f"{sum(checks)} passed, {len(checks) - sum(checks)} failed")
sys.exit(0 if all(checks) else 1)
