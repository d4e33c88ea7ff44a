#!/usr/bin/env python3
"""The tables of docs/models/vita-tcovis.md on ids: who answers for whom in training, and how tracks are made of the answers.

    bench/id_table.py [--tool build/tools/vos-train] [--runs runs/ids] [--seeds 1 2 3] [--steps 1500] [--threads 1]

Trains the tiny network on scenes of look-alikes that cross, are hidden, and leave and return, once for each assignment and seed;
validates each on 50 clips of its own, with the tracker as it is and with other settings of it; and prints Markdown. What is in
--runs already is not made again, and a run that was interrupted goes on, so the command may be given again at any time. Needs
numpy.

Intervals hold 95 % of 10000 bootstrap draws: seeds are drawn, then clips of each. Differences are between models of one seed on
the same clips.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy

DATA = ["data.frames=6", "data.gap=3", "data.batch_size=2", "data.samples=1000000", "data.height=64", "data.width=64",
        "data.workers=1", "criterion.points=0", "data.validation_clips=50", "data.validation_frames=20"]
SCENES = "synthetic:crossing,look=alike+occlusion,look=alike+reentry,look=alike"
SMALL = ["model.tokens=8", "model.layers=2", "model.levels=2"]
SLOTS = ["model.propagate=true", "model.slots=8", "model.clip_encoder_layers=1", "model.clip_layers=2"]
MODELS = {  # name: settings, what it is called
    "per_frame": ([*SLOTS, "criterion.assign=per_frame"], "slots, `per_frame`"),
    "first_appearance": ([*SLOTS, "criterion.assign=first_appearance"], "slots, `first_appearance`"),
    "global": ([*SLOTS, "criterion.assign=global"], "slots, `global`"),
    "tokens": (["criterion.assign=global"], "tokens and the tracker"),
}
TRACKERS = {  # of a model: settings for validation, what they are called
    "global": {
        "births1": (["model.births=1"], "`births=1`: one good frame is an object"),
        "nogallery": (["model.gallery_size=0"], "`gallery_size=0`: who dies is forgotten"),
        "keep": (["model.keep=0.5"], "`keep=0.5`: one threshold for all"),
    },
    "tokens": {
        "births1": (["model.births=1"], "`births=1`"),
        "nogallery": (["model.gallery_size=0"], "`gallery_size=0`"),
        "cosine": (["model.similarity=cosine"], "`similarity=cosine`"),
        "momentum": (["model.bank_update=momentum"], "`bank_update=momentum`"),
        "looks": (["model.overlap=0"], "`overlap=0`: embeddings alone"),
        "masks": (["model.look=0", "model.gate=-1", "model.accept=0.2"], "`look=0,gate=-1,accept=0.2`: masks alone"),
        "overlap2": (["model.overlap=2", "model.gate=-1"], "`overlap=2,gate=-1`: where it is before how it looks"),
        "nogate": (["model.gate=-1"], "`gate=-1`: no pair is refused for its looks"),
        "greedy": (["model.assign=greedy"], "`assign=greedy`"),
    },
}
FIGURES = {"IDSW": (1, 2), "IDF1": (100, 1), "AssA": (100, 1), "J&F": (100, 1)}  # factor and digits


def train(tool, threads, run, seed, steps, settings):
    ended = run / "eval.json"
    if ended.exists() and json.loads(ended.read_text())["end"] == "finished":
        return
    if (run / "checkpoints/last").exists():
        command = [tool, "--resume", run]
    else:
        command = [tool, "--model", "vita-tcovis-tiny", "--run_dir", run, "--overwrite", "--dataset", SCENES, "epochs=1",
                   f"steps_per_epoch={steps}", f"seed={seed}", "criterion.points=0", *DATA, *SMALL, *settings]
    subprocess.run([*map(str, command), "--threads", str(threads)], check=True, stdout=sys.stderr)


def validated(tool, threads, run, variant, settings):
    """[{"name": of the clip, "metrics": {name: value}}]"""
    kept = run / f"clips_{variant}.json"
    if not kept.exists():
        done = subprocess.run([str(tool), "--eval-only", "--json", "--resume", str(run), "--threads", str(threads), *settings],
                              check=True, stdout=subprocess.PIPE, text=True)
        kept.write_text(json.dumps(json.loads(done.stdout)["clips"]))
    return json.loads(kept.read_text())


def table_of(clips_of_seeds, name):
    """[seeds, clips] of a figure; where a clip has none, not a number."""
    value = lambda clip: numpy.nan if clip["metrics"].get(name) is None else clip["metrics"][name]
    return numpy.array([[value(clip) for clip in clips] for clips in clips_of_seeds])


def interval(table):
    random = numpy.random.default_rng(0)
    seeds, clips = table.shape
    drawn = random.integers(seeds, size=(10000, seeds, 1))
    means = numpy.nanmean(table[drawn, random.integers(clips, size=(10000, seeds, clips))], axis=(1, 2))
    return numpy.percentile(means, [2.5, 97.5])


def cell(table, factor, digits, sign=""):
    low, high = factor * interval(table)
    return f"{factor * numpy.nanmean(table):{sign}.{digits}f} ({low:{sign}.{digits}f} … {high:{sign}.{digits}f})"


def print_table(head, rows, base):
    """rows: {name: (what it is called, clips of seeds)}"""
    columns = [name + (" a clip" if name == "IDSW" else "") for name in FIGURES]
    print(f"| {head} | {' | '.join(columns)} | IDSW a clip, to {base} | IDF1, to {base} |")
    print("|---" * (len(columns) + 3) + "|")
    for name, (words, clips) in rows.items():
        cells = [cell(table_of(clips, figure), *form) for figure, form in FIGURES.items()]
        for figure in ("IDSW", "IDF1"):
            difference = table_of(clips, figure) - table_of(rows[base][1], figure)
            cells.append("" if name == base else cell(difference, *FIGURES[figure], sign="+"))
        print(f"| {words} | {' | '.join(cells)} |")
    print()


def scene_of(clip):
    return clip["name"].removeprefix("synthetic:").split(" ")[0].split(",")[0]


def print_scenes(rows):
    """The same by scene: IDSW a clip, and IDF1."""
    of_scene = {}
    for name, (_, seeds) in rows.items():
        for clip in sum(seeds, []):
            of_scene.setdefault(scene_of(clip), {}).setdefault(name, []).append([clip])
    count = lambda clips: f" ({max(map(len, clips.values()))} clips)"
    print(f"| IDSW a clip, IDF1 | {' | '.join(scene + count(of_scene[scene]) for scene in sorted(of_scene))} |")
    print("|---" * (len(of_scene) + 1) + "|")
    for name, (words, _) in rows.items():
        mean = lambda scene, figure: numpy.nanmean(table_of(of_scene[scene][name], figure))
        cells = [f"{mean(scene, 'IDSW'):.2f}, {100 * mean(scene, 'IDF1'):.1f}" for scene in sorted(of_scene)]
        print(f"| {words} | {' | '.join(cells)} |")
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", type=Path, default="build/tools/vos-train")
    parser.add_argument("--runs", type=Path, default="runs/ids")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    args = parser.parse_args()
    args.tool = args.tool.resolve()  # else a name without a folder would be looked for elsewhere
    clips = {}
    for seed in args.seeds:
        for model in args.models:
            run = args.runs / f"{model}_{seed}"
            train(args.tool, args.threads, run, seed, args.steps, MODELS[model][0])
            for variant, (settings, _) in {"default": ([], ""), **TRACKERS.get(model, {})}.items():
                clips.setdefault((model, variant), []).append(
                    validated(args.tool, args.threads, run, variant, settings))

    print(f"{len(args.seeds)} seeds, {args.steps} steps each\n")
    base = "first_appearance" if "first_appearance" in args.models else args.models[0]
    rows = {model: (MODELS[model][1], clips[model, "default"]) for model in args.models}
    print_table("model", rows, base)
    print_scenes(rows)
    for model in args.models:
        if model in TRACKERS:
            print_table(f"{MODELS[model][1]}, with",
                        {variant: (words, clips[model, variant])
                         for variant, (_, words) in {"default": ([], "the tracker as it is"), **TRACKERS[model]}.items()},
                        "default")
    if {"global", "first_appearance"} <= set(args.models):
        total = {model: table_of(clips[model, "default"], "IDSW").sum(axis=1).mean() for model in ("global", "first_appearance")}
        holds = "holds" if total["global"] <= total["first_appearance"] + 1 else "does not hold"
        print(f"switches in 50 clips, mean of the seeds: global {total['global']:.1f}, first_appearance "
              f"{total['first_appearance']:.1f}: global <= first_appearance + 1 {holds}")


if __name__ == "__main__":
    main()
