#!/usr/bin/env python3
"""memory.py VOS_INFER [FRAMES]: memory stays flat over a long video, for every model that needs no weights.

Each model tracks two crossing objects through FRAMES (20,000) frames of 160x90 and writes them as PNG. After the first
tenth, a line fitted to the resident memory may rise by less than 1 MB in 10,000 frames."""

import json
import subprocess
import sys
import tempfile


def main():
    tool, frames = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20000
    models = [m["name"] for m in json.loads(subprocess.check_output([tool, "--list-models", "--json"]))["models"] if not m["needs_weights"]]
    failed = 0
    for model in models:
        with tempfile.TemporaryDirectory() as out:
            text = subprocess.check_output([tool, "--model", model, "--input", f"synthetic:crossing,frames={frames},size=160x90",
                                            "--output", out, "--overwrite", "--format", "png", "--json", "--quiet"])
        report = json.loads(text)
        slope = report["rss_slope_mb_per_10k_frames"]
        good = report["frames"] == frames and slope is not None and slope < 1
        failed += not good
        print(f"{model}: {report['frames']} frames, {report['ms_p50']:.2f} ms each, peak {report['rss_peak_mb']:.0f} MB, "
              f"slope {slope} MB in 10,000 frames: {'flat' if good else 'NOT FLAT'}", flush=True)
    print(f"{len(models) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
