#!/usr/bin/env python3
"""A step of training VITA-TCOVIS in Python, as a peer of ours: what it says, and what it costs.

    bench/train_step.py PROGRAM [--cases vita-tcovis-tiny:2x5x96x160,vita-tcovis:1x2x192x320] [--threads 1,2] [--rounds 21]
                                [--layout best|nchw|nhwc]

PROGRAM is the built bench/train_step.cpp, which makes weights (safetensors, as a training begins with them) and a batch that both
read: CLIPSxFRAMESxHEIGHTxWIDTH. Needs torch, safetensors and scipy. A step is all of it: the batch's bytes into numbers, forward,
assignment, losses, backward, gradients shortened to a length of 1, AdamW. Ours is the trainer's own.

The peer is eager PyTorch, written as well as we can: attention in one fused call, position codes kept, masks of all layers by one
product, costs and losses of all layers and clips together, SciPy's assignment, fused AdamW, nothing read back; channels-last where
that is faster (`best` tries both). The same options as ours, and as many points.

First losses and gradients are compared, with masks compared in every cell, since the points drawn are not the same. A loss may
differ by 1e-4 of itself, a tensor's gradient by 2e-3 of its length: sums of thousands of terms are taken in other orders. Where
masked attention is on, a bit of a mask may flip by rounding, and gradients are held to 2e-2.

Then both take steps in turn, in one run. Milliseconds are medians over the rounds, with the quartiles; CPU time beside them, since
what else runs on the machine does not count there.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from safetensors.torch import load_file, safe_open
from scipy.optimize import linear_sum_assignment
from torch.nn import functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from vita_tcovis import Net, Program, run_layer, spread, value_of  # noqa: E402

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


# --- the network, every layer of which predicts


def predict(net, clips):
    """clips [B,T,3,H,W] -> logits [N,L,Q,K+1], masks [N,L,Q,h,w], embeddings [N,Q,E]; N = B*T."""
    features, _, levels = net.sem_seg_head.pixel_decoder(net.backbone(clips.flatten(0, 1)), True)
    p = net.sem_seg_head.predictor
    memories = []
    for i, map in enumerate(levels[: p.level_embed.num_embeddings]):
        values = map.flatten(2).transpose(1, 2) + p.level_embed.weight[i]
        small = None
        if p.masked:
            with torch.no_grad():
                small = F.interpolate(features, map.shape[2:], mode="bilinear").flatten(2)
        memories.append((values + p.position(map, True), values, small))
    x = p.query_feat.weight.expand(len(features), -1, -1)
    place = p.query_embed.weight.expand_as(x)
    tokens = []
    for i in range(p.layers):
        tokens.append(p.decoder_norm(x))
        keys, values, small = memories[i % len(memories)]
        open = None
        if p.masked:
            with torch.no_grad():
                open = p.mask_embed(tokens[-1]) @ small >= 0
                open = (open | ~open.any(2, keepdim=True))[:, None]
        x = run_layer(p, i, x, place, keys, values, open, True)
    tokens.append(p.decoder_norm(x))
    each = torch.stack(tokens, 1)  # [N,L,Q,C]
    masks = torch.matmul(p.mask_embed(each).flatten(1, 2), features.flatten(2))
    return p.class_embed(each), masks.view(*each.shape[:3], *features.shape[2:]), net.reid_embed(tokens[-1])


# --- what it is told


def sample(masks, points):
    """[N,C,h,w] at [N,P,2] of 0..1 -> [N,C,P]."""
    return F.grid_sample(masks, (2 * points - 1)[:, None], mode="bilinear", align_corners=False)[:, :, 0]


@torch.no_grad()
def assign(logits, masks, truths, categories, points):
    """One clip: logits [T,L,Q,K+1], masks [T,L,Q,h,w], truths [G,T,H,W] -> slots [L,G]."""
    frames, layers, queries = logits.shape[:3]
    truth = truths.transpose(0, 1).to(masks.dtype)  # [T,G,H,W]
    if points:
        where = torch.rand(frames, points, 2)
        labels, x = sample(truth, where), sample(masks.flatten(1, 2), where)
    else:
        labels, x = F.adaptive_avg_pool2d(truth, masks.shape[3:]).flatten(2), masks.flatten(1, 2).flatten(2)
    off, chance, turned = F.softplus(x), x.sigmoid(), labels.transpose(1, 2)
    cross_entropy = ((off - x) @ turned + off @ (1 - turned)) / x.shape[2]
    dice = 1 - (2 * (chance @ turned) + 1) / (chance.sum(2, keepdim=True) + labels.sum(2)[:, None] + 1)
    probability = logits.softmax(-1)[..., categories].flatten(1, 2)
    cost = 5 * cross_entropy + 5 * dice - 2 * probability  # [T,L*Q,G]
    visible = truths.flatten(2).any(2).to(cost.dtype)  # [G,T]
    weights = visible / visible.sum(1, keepdim=True).clamp_min(1)
    cost = torch.einsum("tqg,gt->qg", cost, weights).view(layers, queries, -1).nan_to_num(1e6, 1e6, 1e6).numpy()
    slots = torch.empty(layers, len(truths), dtype=torch.long)
    for layer in range(layers):
        query, object = linear_sum_assignment(cost[layer])
        slots[layer, torch.from_numpy(object)] = torch.from_numpy(query)
    return slots


def mask_losses(masks, truth, points):
    """masks [R,h,w], truth [R,H,W] bool -> cross-entropy and dice, [R] each."""
    if points:
        with torch.no_grad():
            drawn = torch.rand(len(masks), 3 * points, 2)
            sure = sample(masks[:, None], drawn)[:, 0].abs()
            chosen = sure.topk(points * 3 // 4, 1, largest=False, sorted=False)[1]
            where = torch.cat((drawn.gather(1, chosen[..., None].expand(-1, -1, 2)),
                               torch.rand(len(masks), points - points * 3 // 4, 2)), 1)
            labels = sample(truth[:, None].to(masks.dtype), where)[:, 0]
        x = sample(masks[:, None], where)[:, 0]
    else:
        labels, x = F.adaptive_avg_pool2d(truth.to(masks.dtype), masks.shape[1:]).flatten(1), masks.flatten(1)
    chance = x.sigmoid()
    dice = 1 - (2 * (chance * labels).sum(1) + 1) / (chance.sum(1) + labels.sum(1) + 1)
    return F.binary_cross_entropy_with_logits(x, labels, reduction="none").mean(1), dice


def embedding_losses(embeddings, clip, frame, object, place, clips, frames, queries, negatives):
    """embeddings [M,E]; of R rows [R]: clip, frame, object counted through the batch, place among the M."""
    anchors = embeddings[place]
    cosine = F.normalize(anchors, dim=1) @ F.normalize(embeddings, dim=1).T  # [R,M]
    same = object[:, None] == object
    one, other = (same & ~torch.eye(len(object), dtype=torch.bool)).nonzero(as_tuple=True)
    counted = (same.sum(1) > 1).sum().clamp_min(1)
    there = cosine.view(len(anchors), clips * frames, queries)[one, clip[other] * frames + frame[other]]
    losses = {"loss_match": F.cross_entropy(10 * there, place[other] % queries, reduction="sum") / max(1, len(one))}

    whose = torch.full((len(embeddings),), -1).index_put((place,), object)
    mine = object[:, None] == whose
    positive = mine.scatter(1, place[:, None], False)
    negative = ~mine  # clips are of videos of their own here
    dots = anchors @ embeddings.T
    above = dots.masked_fill(~negative, -1e30).logsumexp(1)
    below = (-dots).masked_fill(~positive, -1e30).logsumexp(1)
    losses["loss_contrast"] = 2 * F.softplus(above + below).sum() / counted
    if negatives:
        share = positive.sum(1, keepdim=True) * float(negatives) / negative.sum(1, keepdim=True).clamp_min(1)
        negative = negative & (torch.rand(negative.shape) < share)
    taken = positive | negative
    each = ((cosine - positive.float()).square() * taken).sum(1) / taken.sum(1).clamp_min(1)
    losses["loss_cosine"] = 3 * (each * positive.any(1)).sum() / counted
    return losses


def criterion(said, targets, clips, points, negatives, nothing):
    logits, masks, embeddings = said
    layers, queries, classes = logits.shape[1], logits.shape[2], logits.shape[3] - 1
    frames = len(logits) // clips
    rows, truth, names, objects = [], [], [], 0
    for b, (truths, categories) in enumerate(targets):
        own = slice(b * frames, (b + 1) * frames)
        slots = assign(logits[own].detach(), masks[own].detach(), truths, categories, points)
        object, frame = truths.flatten(2).any(2).nonzero(as_tuple=True)
        rows.append(torch.stack((torch.full_like(object, b), frame, object + objects)))
        rows[-1] = torch.cat((rows[-1], slots[:, object]))  # [3+L,r]
        truth.append(truths[object, frame])
        names.append(categories[object])
        objects += len(truths)
    rows, truth, names = torch.cat(rows, 1), torch.cat(truth), torch.cat(names)
    clip, frame, object, slots = rows[0], rows[1], rows[2], rows[3:]
    count = rows.shape[1]

    image = (clip * frames + frame).expand(layers, -1)  # [L,R]
    layer = torch.arange(layers)[:, None].expand(-1, count)
    wanted = torch.full(logits.shape[:3], classes)
    wanted[image, layer, slots] = names.expand(layers, -1)
    weights = torch.ones(classes + 1)
    weights[-1] = nothing
    of_class = F.cross_entropy(logits.flatten(0, 2), wanted.flatten(), weights, reduction="none")
    of_class = 2 * of_class.view(-1, layers, queries).sum((0, 2)) / weights[wanted].sum((0, 2)).clamp_min(1e-6)
    mask, dice = mask_losses(masks[image, layer, slots].flatten(0, 1), truth.repeat(layers, 1, 1), points)
    of_mask, of_dice = (5 * each.view(layers, -1).sum(1) / max(1, count) for each in (mask, dice))
    losses = {}
    for i in range(layers):
        end = "" if i + 1 == layers else f"_{i}"
        losses["loss_class" + end], losses["loss_mask" + end], losses["loss_dice" + end] = of_class[i], of_mask[i], of_dice[i]
    place = image[-1] * queries + slots[-1]
    losses.update(embedding_losses(embeddings.flatten(0, 1), clip, frame, object, place, clips, frames, queries, negatives))
    return losses


# --- the two ways


class Python:
    def __init__(self, options, weights, batch, points, lr, layout):
        if options["pixel_decoder"] != "bilinear" or options["propagate"]:
            sys.exit("the peer knows the light decoder only, and no queries that travel")
        self.net = Net(options)
        self.net.load_state_dict(load_file(weights))
        self.layout = torch.channels_last if layout == "nhwc" else torch.contiguous_format
        self.net.train().to(memory_format=self.layout)
        kept = load_file(batch)
        self.bytes = kept["frames"]
        self.targets = [(kept[f"masks.{b}"].bool(), kept[f"categories.{b}"]) for b in range(len(self.bytes))]
        self.points = points
        self.nothing = 0.4 if options["backbone"] == "tiny-backbone" else 0.1  # weight of ∅, as the presets begin
        self.mean, self.deviation = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(DEVIATION).view(3, 1, 1)
        groups = {}
        for name, parameter in self.net.named_parameters():
            plain = parameter.dim() < 2 or any(name.endswith(e + ".weight") for e in ("query_feat", "query_embed", "level_embed"))
            groups.setdefault((name.startswith("backbone."), plain), []).append(parameter)
        self.optimizer = torch.optim.AdamW(
            [{"params": all, "lr": lr[0] if backbone else lr[1], "weight_decay": 0.0 if plain else 0.05}
             for (backbone, plain), all in groups.items()], fused=True)
        self.parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    def losses(self, points, negatives):
        images = self.bytes.permute(0, 1, 4, 2, 3).float().div_(255).sub_(self.mean).div_(self.deviation)
        images = images.flatten(0, 1).contiguous(memory_format=self.layout).unflatten(0, self.bytes.shape[:2])
        return criterion(predict(self.net, images), self.targets, len(self.bytes), points, negatives, self.nothing)

    def check(self):
        losses = self.losses(0, 0)
        sum(losses.values()).backward()
        said = {name: loss.detach() for name, loss in losses.items()}
        for name, parameter in self.net.named_parameters():
            if parameter.grad is not None:
                said["slope." + name] = parameter.grad.clone()
        self.optimizer.zero_grad(set_to_none=True)
        return said

    def step(self, threads):
        torch.set_num_threads(threads)
        begun, cpu = time.perf_counter(), time.process_time()
        self.optimizer.zero_grad(set_to_none=True)
        sum(self.losses(self.points, 10).values()).backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0, foreach=True)
        self.optimizer.step()
        return 1e3 * (time.perf_counter() - begun), 1e3 * (time.process_time() - cpu)


class Ours(Program):
    def __init__(self, program, case, weights, folder):
        self.answer = os.path.join(folder, "answer.safetensors")
        super().__init__(program, "run", *case, weights, os.path.join(folder, "run"))

    def check(self):
        self.ask("check " + self.answer)
        return load_file(self.answer)

    def step(self, threads):
        return tuple(float(word) for word in self.ask(f"step {threads}").split())


def compare(ours, theirs, masked):
    """Prints how far losses and gradients are apart; whether that is too far."""
    if ours.keys() != theirs.keys():
        sys.exit("not the same losses and gradients: " + ", ".join(sorted(ours.keys() ^ theirs.keys())))
    apart = {}
    for name, mine in ours.items():
        other = theirs[name].reshape(mine.shape).double()
        apart[name] = float((mine.double() - other).norm() / other.norm().clamp_min(1e-6))
    far = 0.0
    for kind, most in (("loss", 1e-4), ("slope", 2e-2 if masked else 2e-3)):
        name = max((name for name in apart if name.startswith(kind)), key=apart.get)
        print(f"  {kind:5} furthest apart: {name} {apart[name]:.1e}, at most {most}")
        far = max(far, apart[name] / most)
    return far > 1


def measure(args, case, folder):
    preset, size = case.split(":")
    numbers = size.split("x")
    weights, batch = (os.path.join(folder, f"{preset}.{part}.safetensors") for part in ("weights", "batch"))
    subprocess.run([args.program, "make", preset, *numbers, weights, batch], check=True)
    with safe_open(weights, "pt") as file:
        options = {key: value_of(text) for key, text in json.loads(file.metadata()["vos.options"]).items()}
    tiny = options["backbone"] == "tiny-backbone"
    points, lr = (0, (1e-3, 1e-3)) if tiny else (12544, (1e-5, 1e-4))  # as the presets begin
    layouts = ("nchw", "nhwc") if args.layout == "best" else (args.layout,)
    peers = {layout: Python(options, weights, batch, points, lr, layout) for layout in layouts}
    for each in peers.values():
        for _ in range(3):
            each.step(1)
    if len(peers) > 1:
        cost = {layout: statistics.median(each.step(1)[1] for _ in range(7)) for layout, each in peers.items()}
        print(f"{preset}: Python's CPU ms by layout: " + ", ".join(f"{name} {ms:.1f}" for name, ms in cost.items()))
        layouts = (min(cost, key=cost.get),)
    peer = Python(options, weights, batch, points, lr, layouts[0])
    ours = Ours(args.program, [preset, *numbers], weights, folder)
    if compare(ours.check(), peer.check(), options["masked"]):
        print(f"  !! {preset}: too far apart")
        args.failed = True
    ways = {f"python, {layouts[0]}": peer, "vos": ours}
    for threads in args.threads:
        wall, cpu = {name: [] for name in ways}, {name: [] for name in ways}
        for number in range(-2, args.rounds):  # the first two warm up
            for name, way in ways.items():
                taken = way.step(threads)
                if number >= 0:
                    wall[name].append(taken[0])
                    cpu[name].append(taken[1])
        for name in ways:
            ratio = statistics.median(wall[name]) / statistics.median(wall["vos"])
            cpu_ratio = statistics.median(cpu[name]) / statistics.median(cpu["vos"])
            print(f"{case:28} {threads} {name:14} {spread(wall[name])} {spread(cpu[name])} {ratio:6.2f} {cpu_ratio:6.2f}",
                  flush=True)
    ours.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--cases", default="vita-tcovis-tiny:2x5x96x160,vita-tcovis:1x2x192x320")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--layout", default="best", choices=("best", "nchw", "nhwc"))
    args = parser.parse_args()
    args.threads, args.failed = [int(count) for count in args.threads.split(",")], False
    torch.manual_seed(1)
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {os.cpu_count()} cores, load "
          f"{os.getloadavg()[0]:.1f}; median (quartiles) of {args.rounds} rounds")
    print(f"{'case':28} threads way        ms a step            ms of CPU            wall/vos CPU/vos")
    for case in args.cases.split(","):
        with tempfile.TemporaryDirectory() as folder:
            measure(args, case, folder)
    sys.exit(args.failed)


if __name__ == "__main__":
    main()
