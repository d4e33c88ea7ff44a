#!/usr/bin/env python3
"""The table of docs/concepts/tracker.md, from `vos-eval identity` of every variant:

    bench/tracker_identity.py [--build build] [--seeds 11 16] [--keep DIR]

Runs the built bench/tracker_identity, which tracks the same detections in every variant and stores what each one answered;
evaluates that with vos-eval; and ends with an error where the two disagree. Markdown on stdout. --keep DIR stores label
maps and reports in DIR, which must not exist.
"""

import argparse
import json
import math
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

WORDS = {  # what a variant is, in the order of the table
    "default": "**default**",
    "cosine": "`similarity=cosine`: how alike, not who chooses whom",
    "momentum": "`bank_update=momentum`: β the same for all",
    "temporal": "`bank_update=temporal`: a mean of the last ten",
    "overlap-0.0": "`overlap=0`: embeddings alone",
    "overlap-0.3": "`overlap=0.3`",
    "overlap-0.5": "`overlap=0.5`",
    "masks-alone": "masks alone: no embeddings at all",
    "no-gate": "`gate=-1`: no pair is refused for its looks",
    "no-gallery": "`gallery_size=0`: who dies is forgotten",
    "greedy": "`assign=greedy`: the best pair first",
    "one-sighting": "`births=1`: one good frame is an object",
    "no-hysteresis": "`keep=0.5`: one threshold for all",
    "previous-frame": "the previous frame alone: no memory, no patience",
}


def own_numbers(text):
    """{variant: (IDSW, IDF1 %, AssA %, returned %)} of all scenes, as the program says them."""
    block = re.search(r"^all .*\n((?:.+\n)+)", text, re.MULTILINE).group(1)
    rows = (line.split() for line in block.splitlines())
    return {row[0]: (int(row[1]), float(row[2]), float(row[3]), float(row[5])) for row in rows}


def judged_numbers(report):
    total = report["global"]
    return total["IDSW"], *(100 * (total[name] or 0) for name in ("IDF1", "AssA", "recovery"))


def paired(report, base, name, scale):
    """The mean over videos of the difference to `base` in the same video, and that mean's standard error."""
    of_base = {each["name"]: each[name] for each in base["sequences"]}
    differences = [scale * (each[name] - of_base[each["name"]]) for each in report["sequences"]]
    return statistics.mean(differences), statistics.stdev(differences) / math.sqrt(len(differences))


def shown(mean, error):
    digits = min(2, max(0, 1 - math.floor(math.log10(error)))) if error > 0 else 2
    digits = digits if error < 1 else 1  # two digits of the error, at most two behind the point
    return f"{mean:+.{digits}f} ± {error:.{digits}f}"


def measure(folder, build, seeds):
    program = subprocess.run([build / "bench/tracker_identity", *map(str, seeds), "--write", folder], check=True,
                             stdout=subprocess.PIPE, text=True)
    own = own_numbers(program.stdout)
    reports = {}
    for variant in own:
        path = folder / f"{variant}.json"
        subprocess.run([build / "tools/vos-eval", "identity", "--quiet", "--gt", folder / "truth", "--pred",
                        folder / variant, "--json", path], check=True)
        reports[variant] = json.loads(path.read_text())
        judged = judged_numbers(reports[variant])
        # The program prints one digit behind the point.
        if judged[0] != own[variant][0] or any(abs(a - b) > 0.051 for a, b in zip(judged[1:], own[variant][1:])):
            sys.exit(f"{variant}: the program says {own[variant]}, vos-eval {judged}")
    return reports


def print_table(reports):
    base = reports["default"]
    print("| variant | IDSW | IDF1 | AssA | returned under their id | IDSW a video, to default | IDF1 a video, to default |")
    print("|---|---|---|---|---|---|---|")
    for name in sorted(reports, key=[*WORDS, *reports].index):
        switches, idf1, assa, returned = judged_numbers(reports[name])
        differences = [""] * 2
        if name != "default":
            differences = [shown(*paired(reports[name], base, "IDSW", 1)), shown(*paired(reports[name], base, "IDF1", 100))]
        print(f"| {WORDS.get(name, name)} | {switches} | {idf1:.1f} | {assa:.1f} | {returned:.1f} % | {' | '.join(differences)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default="build")
    parser.add_argument("--seeds", nargs=2, type=int, default=[11, 16], metavar=("FIRST", "LAST"))
    parser.add_argument("--keep", type=Path, metavar="DIR")
    args = parser.parse_args()
    if args.keep:
        args.keep.mkdir(parents=True)
        print_table(measure(args.keep, args.build, args.seeds))
    else:
        with tempfile.TemporaryDirectory() as folder:
            print_table(measure(Path(folder), args.build, args.seeds))


if __name__ == "__main__":
    main()
