#!/usr/bin/env python3
"""VITA-TCOVIS in Python, as a peer of ours: what it says, and what a frame costs.

    bench/vita_tcovis.py PROGRAM [--presets vita-tcovis,vita-tcovis-full,...] [--types fp32,bf16] [--threads 1,2]
                                 [--rounds 7] [--height 480] [--width 854] [--compile]

PROGRAM is the built bench/vita_tcovis.cpp, which makes the weights (safetensors, filled by rule) and the pictures that both
read. Needs torch and safetensors, nothing else. Three ways are timed in turn, round by round, in one run; of the three frames of
a turn the first only warms the caches, and the faster one of the others counts:
  plain  as people write it: eager, norms as layers of their own, [N,C,H,W], every layer predicts, as Mask2Former's code does
  lean   written as well as we can, still eager: norms folded, channels-last, attention in one fused call, position codes kept,
         one prediction, masks for attention made at their own size
  vos    ours
and with --compile, lean through torch.compile with frozen weights (it needs a compiler at run time, and minutes).
All run under inference_mode. Milliseconds are medians over the rounds, with the quartiles; CPU time beside them, since what else
runs on the machine does not count there. Before that all answers are compared: the tolerance in fp32 is 2e-3 of the largest
number of a tensor, because sums of thousands of terms are taken in other orders; it is not held where masked attention is on,
whose bits flip by rounding. bf16 is compared with fp32, ours and theirs.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from safetensors.torch import load_file, safe_open
from torch import nn
from torch.nn import functional as F

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


# --- backbones


class FrozenNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, torch.ones(channels))

    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)


class Bottleneck(nn.Module):
    def __init__(self, inside, width, stride):
        super().__init__()
        out = 4 * width
        self.conv1, self.bn1 = nn.Conv2d(inside, width, 1, bias=False), FrozenNorm(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), FrozenNorm(width)
        self.conv3, self.bn3 = nn.Conv2d(width, out, 1, bias=False), FrozenNorm(out)
        self.downsample = None
        if stride != 1 or inside != out:
            self.downsample = nn.Sequential(nn.Conv2d(inside, out, 1, stride, bias=False), FrozenNorm(out))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        return F.relu(y, inplace=True)


class ResNet50(nn.Module):
    channels = {4: 256, 8: 512, 16: 1024, 32: 2048}

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), FrozenNorm(64)
        inside = 64
        for stage, blocks in enumerate((3, 4, 6, 3)):
            layer = []
            for block in range(blocks):
                layer.append(Bottleneck(inside, 64 << stage, 2 if stage > 0 and block == 0 else 1))
                inside = 256 << stage
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layer))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x)), inplace=True), 3, 2, 1)
        maps = {}
        for stage in range(4):
            maps[4 << stage] = x = getattr(self, f"layer{stage + 1}")(x)
        return maps


class TinyConv(nn.Module):
    def __init__(self, inside, out, stride):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(inside, out, 3, stride, 1, bias=False), nn.GroupNorm(8, out)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)), inplace=True)


class TinyStage(nn.Module):
    def __init__(self, inside, out):
        super().__init__()
        self.halve, self.look = TinyConv(inside, out, 2), TinyConv(out, out, 1)

    def forward(self, x):
        half = self.halve(x)
        return half + self.look(half)


class Tiny(nn.Module):
    channels = {4: 24, 8: 48, 16: 96, 32: 128}

    def __init__(self):
        super().__init__()
        self.stem = TinyConv(3, 24, 2)
        inside = 24
        for stage, out in enumerate(self.channels.values()):
            setattr(self, f"stage{stage + 1}", TinyStage(inside, out))
            inside = out

    def forward(self, x):
        x = self.stem(x)
        maps = {}
        for stage in range(4):
            maps[4 << stage] = x = getattr(self, f"stage{stage + 1}")(x)
        return maps


BACKBONES = {"resnet50": ResNet50, "tiny-backbone": Tiny}


# --- pixel decoders


def group_norm(channels):
    return nn.GroupNorm(math.gcd(channels, 32), channels)


class NormedConv(nn.Module):
    def __init__(self, inside, out, kernel):
        super().__init__()
        self.weight, self.norm = nn.Parameter(torch.empty(out, inside, kernel, kernel)), group_norm(out)

    def forward(self, x):
        return self.norm(F.conv2d(x, self.weight, padding=self.weight.shape[2] // 2))


def merge(decoder, number, map, above):
    merged = getattr(decoder, f"adapter_{number}")(map)
    if above is not None:
        merged = merged + F.interpolate(above, merged.shape[2:], mode="bilinear", align_corners=False)
    return F.relu(getattr(decoder, f"layer_{number}")(merged), inplace=True)


def add_merges(decoder, strides, channels_of, channels):
    for number, stride in enumerate(strides, 1):
        setattr(decoder, f"adapter_{number}", NormedConv(channels_of[stride], channels, 1))
        setattr(decoder, f"layer_{number}", NormedConv(channels, channels, 3))


class BilinearDecoder(nn.Module):
    def __init__(self, channels_of, o):
        super().__init__()
        self.strides = [stride for stride in channels_of if stride >= o["mask_stride"]]
        self.mask_features = nn.Conv2d(o["channels"], o["channels"], 1)
        add_merges(self, self.strides, channels_of, o["channels"])

    def forward(self, maps, lean):
        levels = []
        for number in range(len(self.strides), 0, -1):
            levels.append(merge(self, number, maps[self.strides[number - 1]], levels[-1] if levels else None))
        return self.mask_features(levels[-1]), levels[-1], levels


class DeformableAttention(nn.Module):
    def __init__(self, c, heads, levels=3, points=4):
        super().__init__()
        self.heads, self.levels, self.points = heads, levels, points
        self.sampling_offsets = nn.Linear(c, heads * levels * points * 2)
        self.attention_weights = nn.Linear(c, heads * levels * points)
        self.value_proj, self.output_proj = nn.Linear(c, c), nn.Linear(c, c)

    def forward(self, query, references, source, sizes):
        n, q, c = query.shape
        values = self.value_proj(source).view(n, -1, self.heads, c // self.heads)
        offsets = self.sampling_offsets(query).view(n, q, self.heads, self.levels, self.points, 2)
        shares = self.attention_weights(query).view(n, q, self.heads, -1).softmax(-1)
        pixel = torch.tensor([[w, h] for h, w in sizes], dtype=references.dtype)[None, None, None, :, None]
        grids = 2 * (references[:, :, None, :, None] + offsets / pixel) - 1  # [N,Q,M,L,P,2]
        sampled = []
        for level, (value, (h, w)) in enumerate(zip(values.split([h * w for h, w in sizes], 1), sizes)):
            value = value.flatten(2).transpose(1, 2).reshape(n * self.heads, c // self.heads, h, w)
            grid = grids[:, :, :, level].transpose(1, 2).flatten(0, 1)  # [N*M,Q,P,2]
            sampled.append(F.grid_sample(value, grid.to(value.dtype), mode="bilinear", align_corners=False))
        shares = shares.transpose(1, 2).reshape(n * self.heads, 1, q, -1)
        seen = (torch.stack(sampled, -2).flatten(-2) * shares).sum(-1).view(n, c, q)
        return self.output_proj(seen.transpose(1, 2))


class EncoderLayer(nn.Module):
    def __init__(self, c, heads, hidden):
        super().__init__()
        self.self_attn = DeformableAttention(c, heads)
        self.norm1, self.norm2 = nn.LayerNorm(c), nn.LayerNorm(c)
        self.linear1, self.linear2 = nn.Linear(c, hidden), nn.Linear(hidden, c)

    def forward(self, x, position, references, sizes):
        x = self.norm1(x + self.self_attn(x + position, references, x, sizes))
        return self.norm2(x + self.linear2(F.relu(self.linear1(x), inplace=True)))


class DeformableDecoder(nn.Module):
    def __init__(self, channels_of, o):
        super().__init__()
        c, heads = o["channels"], o["heads"]
        self.input_proj = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels_of[stride], c, 1), group_norm(c)) for stride in (32, 16, 8))
        self.transformer = nn.Module()
        self.transformer.level_embed = nn.Parameter(torch.empty(3, c))
        self.transformer.encoder = nn.Module()
        self.transformer.encoder.layers = nn.ModuleList(
            EncoderLayer(c, heads, o["encoder_hidden"]) for _ in range(o["encoder_layers"]))
        self.mask_features = nn.Conv2d(c, c, 1)
        self.finer = [4] if o["mask_stride"] == 4 else []
        add_merges(self, self.finer, channels_of, c)
        self.kept = {}

    def surroundings(self, sizes, like):
        positions = torch.cat([sine(h, w, like) + self.transformer.level_embed[i] for i, (h, w) in enumerate(sizes)], 1)
        centres = []
        for h, w in sizes:
            y, x = torch.meshgrid((torch.arange(h) + 0.5) / h, (torch.arange(w) + 0.5) / w, indexing="ij")
            centres.append(torch.stack((x, y), -1).flatten(0, 1))
        return positions, torch.cat(centres)[None, :, None].expand(1, -1, 3, 2)

    def forward(self, maps, lean):
        projected = [project(maps[stride]) for project, stride in zip(self.input_proj, (32, 16, 8))]
        sizes = [tuple(map.shape[2:]) for map in projected]
        key = (tuple(sizes), projected[0].dtype)
        if not lean or key not in self.kept:
            self.kept[key] = self.surroundings(sizes, projected[0])
        positions, centres = self.kept[key]
        x = torch.cat([map.flatten(2).transpose(1, 2) for map in projected], 1)
        for layer in self.transformer.encoder.layers:
            x = layer(x, positions, centres, sizes)
        levels = [part.transpose(1, 2).unflatten(2, size)
                  for part, size in zip(x.split([h * w for h, w in sizes], 1), sizes)]
        finest = levels[-1]
        for number in range(len(self.finer), 0, -1):
            finest = merge(self, number, maps[self.finer[number - 1]], finest)
        return self.mask_features(finest), finest, levels


# --- tokens


def sine(height, width, like):
    """DETR's position code as tokens: [1,h*w,C]."""
    features = like.shape[1] // 2
    slow = 10000 ** (2 * (torch.arange(features) // 2) / features)

    def code(size):
        angles = (torch.arange(size) + 1) / (size + 1e-6) * 2 * math.pi
        phase = angles[:, None] / slow
        return torch.stack((phase[:, 0::2].sin(), phase[:, 1::2].cos()), -1).flatten(1)

    y, x = code(height)[:, None].expand(-1, width, -1), code(width)[None].expand(height, -1, -1)
    return torch.cat((y, x), -1).flatten(0, 1)[None].to(like.dtype)


class Attention(nn.MultiheadAttention):
    """open [N,1,Q,K]: where queries may look."""

    def forward(self, query, key, value, open=None, lean=False):
        if not lean:
            blocked = None if open is None else ~open.expand(-1, self.num_heads, -1, -1).flatten(0, 1)
            return super().forward(query, key, value, attn_mask=blocked, need_weights=False)[0]
        c, weight, bias = self.embed_dim, self.in_proj_weight, self.in_proj_bias
        if query is key:
            q, k = F.linear(query, weight[: 2 * c], bias[: 2 * c]).chunk(2, 2)
        else:
            q, k = F.linear(query, weight[:c], bias[:c]), F.linear(key, weight[c : 2 * c], bias[c : 2 * c])
        v = F.linear(value, weight[2 * c :], bias[2 * c :])
        heads = [x.unflatten(2, (self.num_heads, -1)).transpose(1, 2) for x in (q, k, v)]
        return self.out_proj(F.scaled_dot_product_attention(*heads, attn_mask=open).transpose(1, 2).flatten(2))


class Normed(nn.Module):
    """Attention under the name that checkpoints have for it, and the norm after it."""

    def __init__(self, name, c, heads):
        super().__init__()
        self.attend = lambda *inputs: getattr(self, name)(*inputs)
        setattr(self, name, Attention(c, heads, batch_first=True))
        self.norm = nn.LayerNorm(c)

    def forward(self, x, query, key, value, open, lean):
        return self.norm(x + self.attend(query, key, value, open, lean))


class Ffn(nn.Module):
    def __init__(self, c, hidden):
        super().__init__()
        self.linear1, self.linear2, self.norm = nn.Linear(c, hidden), nn.Linear(hidden, c), nn.LayerNorm(c)

    def forward(self, x):
        return self.norm(x + self.linear2(F.relu(self.linear1(x), inplace=True)))


class Mlp(nn.Module):
    def __init__(self, inside, hidden, out, depth):
        super().__init__()
        sizes = [inside] + [hidden] * (depth - 1) + [out]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = layer(x if i == 0 else F.relu(x, inplace=True))
        return x


def add_layers(owner, layers, o):
    c, heads = o["channels"], o["heads"]
    owner.transformer_self_attention_layers = nn.ModuleList(Normed("self_attn", c, heads) for _ in range(layers))
    owner.transformer_cross_attention_layers = nn.ModuleList(Normed("multihead_attn", c, heads) for _ in range(layers))
    owner.transformer_ffn_layers = nn.ModuleList(Ffn(c, o["hidden"]) for _ in range(layers))


def run_layer(owner, i, x, place, keys, values, open, lean):
    x = owner.transformer_cross_attention_layers[i](x, x + place, keys, values, open, lean)
    asked = x + place
    x = owner.transformer_self_attention_layers[i](x, asked, asked, x, None, lean)
    return owner.transformer_ffn_layers[i](x)


class Predictor(nn.Module):
    def __init__(self, o):
        super().__init__()
        c = o["channels"]
        self.layers, self.masked = o["layers"], o["masked"]
        add_layers(self, self.layers, o)
        self.decoder_norm = nn.LayerNorm(c)
        self.query_feat, self.query_embed = nn.Embedding(o["tokens"], c), nn.Embedding(o["tokens"], c)
        self.level_embed = nn.Embedding(o["levels"], c)
        self.class_embed, self.mask_embed = nn.Linear(c, o["classes"] + 1), Mlp(c, c, c, 3)
        self.kept = {}

    def position(self, map, lean):
        key = (tuple(map.shape[2:]), map.dtype)
        if not lean or key not in self.kept:
            self.kept[key] = sine(*key[0], map)
        return self.kept[key]

    def forward(self, features, levels, lean):
        memories = []
        for i, map in enumerate(levels[: self.level_embed.num_embeddings]):
            values = map.flatten(2).transpose(1, 2) + self.level_embed.weight[i]
            small = F.interpolate(features, map.shape[2:], mode="bilinear") if lean and self.masked else None
            memories.append((values + self.position(map, lean), values, small, map.shape[2:]))
        x = self.query_feat.weight.expand(features.shape[0], -1, -1)
        place = self.query_embed.weight.expand_as(x)
        for i in range(self.layers + 1):
            tokens = self.decoder_norm(x)
            every = not lean or i == self.layers
            if every:
                logits = self.class_embed(tokens)
            if every or self.masked:
                embeddings = self.mask_embed(tokens)
            if every:
                masks = torch.einsum("nqc,nchw->nqhw", embeddings, features)
            if i == self.layers:
                return tokens, logits, embeddings, masks
            keys, values, small, size = memories[i % len(memories)]
            open = None
            if self.masked:
                coarse = (torch.einsum("nqc,nchw->nqhw", embeddings, small) if lean
                          else F.interpolate(masks, size, mode="bilinear", align_corners=False))
                open = coarse.flatten(2) >= 0
                open = (open | ~open.any(2, keepdim=True))[:, None]
            x = run_layer(self, i, x, place, keys, values, open, lean)


class Head(nn.Module):
    def __init__(self, channels_of, o):
        super().__init__()
        self.pixel_decoder = {"bilinear": BilinearDecoder, "msdeform": DeformableDecoder}[o["pixel_decoder"]](channels_of, o)
        self.predictor = Predictor(o)


class Association(Mlp):
    def __init__(self, c, embedding):
        super().__init__(c, c, embedding, 2)
        self.norm = nn.LayerNorm(embedding)

    def forward(self, x):
        return self.norm(super().forward(x))


class ClipDecoder(nn.Module):
    """VITA's with GenVIS' memory; clips of one frame."""

    def __init__(self, o):
        super().__init__()
        c, heads = o["channels"], o["heads"]
        add_layers(self, o["clip_layers"], o)
        self.enc_self_attn = nn.ModuleList(Normed("self_attn", c, heads) for _ in range(o["clip_encoder_layers"]))
        self.enc_ffn = nn.ModuleList(Ffn(c, o["hidden"]) for _ in range(o["clip_encoder_layers"]))
        self.vita_mask_features, self.decoder_norm = nn.Conv2d(c, c, 1), nn.LayerNorm(c)
        self.query_feat, self.query_embed = nn.Embedding(o["slots"], c), nn.Embedding(o["slots"], c)
        self.fq_pos = nn.Embedding(o["tokens"], c)
        for name in ("input_proj_dec", "sim_embed_frame", "sim_embed_clip", "pre_memory_embed_k", "pre_memory_embed_v",
                     "pre_query_embed_k", "pre_query_embed_v"):
            setattr(self, name, nn.Linear(c, c))
        self.class_embed, self.mask_embed = nn.Linear(c, o["classes"] + 1), Mlp(c, c, c, 3)

    def forward(self, frame_tokens, state, lean):
        x = self.input_proj_dec(frame_tokens)
        for attend, think in zip(self.enc_self_attn, self.enc_ffn):
            x = think(attend(x, x, x, x, None, lean))
        queries, memory = state if state else (self.query_feat.weight[None], [])
        now = queries + self.pre_query_embed_v(queries)
        if memory:
            keys, values = (torch.stack(each, 2).float() for each in zip(*memory))  # [B,Q,M,C]
            scores = (keys @ self.pre_query_embed_k(queries).float()[..., None])[..., 0]
            now = now + (scores.softmax(2)[:, :, None] @ values)[:, :, 0].to(now.dtype)
        place = self.query_embed.weight.expand_as(now)
        for i in range(len(self.transformer_ffn_layers)):
            now = run_layer(self, i, now, place, x + self.fq_pos.weight, x, None, lean)
        tokens = self.decoder_norm(now)
        memory = memory + [(self.pre_memory_embed_k(tokens), self.pre_memory_embed_v(tokens))]
        return tokens, self.class_embed(tokens), self.mask_embed(tokens), (now, memory)


class Net(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.o = o
        self.backbone = BACKBONES[o["backbone"]]()
        self.sem_seg_head = Head(self.backbone.channels, o)
        if o["embedding"]:
            self.reid_embed = Association(o["channels"], o["embedding"])
        if o["propagate"]:
            self.vita_module = ClipDecoder(o)

    def forward(self, images, state, lean):
        height, width = images.shape[2:]
        if height % 32 or width % 32:
            images = F.pad(images, (0, -width % 32, 0, -height % 32))
        features, finest, levels = self.sem_seg_head.pixel_decoder(self.backbone(images), lean)
        tokens, logits, embeddings, masks = self.sem_seg_head.predictor(features, levels, lean)
        if self.o["propagate"]:
            tokens, logits, embeddings, state = self.vita_module(tokens, state, lean)
            masks = torch.einsum("nqc,nchw->nqhw", embeddings, self.vita_module.vita_mask_features(finest))
        stride = self.o["mask_stride"]
        said = {"logits": logits, "masks": masks[:, :, : -(-height // stride), : -(-width // stride)], "tokens": tokens}
        if self.o["embedding"]:
            said["embeddings"] = self.reid_embed(tokens)
        return said, state


def fold_norms(module):
    before = None
    for name, child in list(module.named_children()):
        if isinstance(child, FrozenNorm):
            conv = getattr(module, before)
            weight, bias = torch.nn.utils.fusion.fuse_conv_bn_weights(
                conv.weight.double(), None, child.running_mean.double(), child.running_var.double(), 1e-5,
                child.weight.double(), child.bias.double())
            conv.weight, conv.bias = nn.Parameter(weight.float()), nn.Parameter(bias.float())
            setattr(module, name, nn.Identity())
        else:
            fold_norms(child)
        before = name


# --- the ways, each a frame at a time


class Python:
    """State travels from frame to frame where queries do; `lean` as the head of this file says."""

    def __init__(self, options, weights, frames, dtype, lean, compiled=False):
        self.net = Net(options)
        self.net.load_state_dict(load_file(weights))  # strict: the twin has ours' names and shapes, no other
        self.net.eval().requires_grad_(False)
        self.frames, self.lean, self.state = [frame.to(TYPES[dtype]) for frame in frames], lean, None
        if lean:
            fold_norms(self.net)
            self.net.to(memory_format=torch.channels_last)
            self.frames = [frame.contiguous(memory_format=torch.channels_last) for frame in self.frames]
        self.net.to(TYPES[dtype])
        if compiled:
            from torch._inductor import config

            config.freezing = True
            self.net = torch.compile(self.net)

    def frame(self, number, threads):
        torch.set_num_threads(threads)
        begun, cpu = time.perf_counter(), time.process_time()
        with torch.inference_mode() if not hasattr(self.net, "_orig_mod") else torch.no_grad():
            said, self.state = self.net(self.frames[number % len(self.frames)], self.state, self.lean)
        return said, 1e3 * (time.perf_counter() - begun), 1e3 * (time.process_time() - cpu)

    def reset(self):
        self.state = None


class Program:
    """One of ours, which waits for a line, does what it says and answers with one."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit("the program ended: " + " ".join(self.process.args))
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Ours(Program):
    def __init__(self, program, preset, weights, frames, dtype, folder):
        self.answer = os.path.join(folder, f"answer_{dtype}.safetensors")
        super().__init__(program, "run", preset, weights, frames, dtype, self.answer)

    def frame(self, number, threads, keep=False):
        wall, cpu = self.ask(f"frame {number} {threads} {int(keep)}").split()
        return load_file(self.answer) if keep else None, float(wall), float(cpu)

    def reset(self):
        self.ask("reset")


def value_of(text):
    """An option, which files hold as text."""
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text)
    except ValueError:
        return text


def differences(said, reference):
    """Of each tensor, in parts of its largest number."""
    return {name: float((said[name].float() - whole.float()).abs().max() / whole.float().abs().max())
            for name, whole in reference.items()}


def spread(values):
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:8.1f} ({low:.0f}-{high:.0f})"


def measure(args, preset, dtype, folder):
    weights, frames = (os.path.join(folder, f"{preset}.{part}.safetensors") for part in ("weights", "frames"))
    if not os.path.exists(weights):
        subprocess.run([args.program, "make", preset, weights, frames, str(args.height), str(args.width)], check=True)
    with safe_open(weights, "pt") as file:
        options = {key: value_of(text) for key, text in json.loads(file.metadata()["vos.options"]).items()}
    pictures = list(load_file(frames).values())
    ways = {"plain": Python(options, weights, pictures, dtype, lean=False),
            "lean": Python(options, weights, pictures, dtype, lean=True)}
    if args.compile:
        ways["compiled"] = Python(options, weights, pictures, dtype, lean=True, compiled=True)
    ways["vos"] = Ours(args.program, preset, weights, frames, dtype, folder)

    oracle = Python(options, weights, pictures, "fp32", lean=False) if dtype != "fp32" else None
    for number in range(2):  # the second frame has a memory behind it where queries travel
        reference = (oracle or ways["plain"]).frame(number, 2)[0]
        for name, way in ways.items():
            if way is ways["plain"] and oracle is None:
                continue
            said = way.frame(number, 2, True)[0] if name == "vos" else way.frame(number, 2)[0]
            apart = differences(said, reference)
            print(f"  frame {number}, {name:8} apart from plain fp32: " +
                  ", ".join(f"{tensor} {value:.1e}" for tensor, value in apart.items()))
            if dtype == "fp32" and not options["masked"] and max(apart.values()) > 2e-3:
                print(f"  !! {name} differs from plain by more than 2e-3")
                args.failed = True
    for threads in args.threads:
        wall, cpu = {name: [] for name in ways}, {name: [] for name in ways}
        for number in range(args.rounds):
            for name, way in ways.items():
                way.frame(number, threads)  # caches hold what the way before left
                frames = [way.frame(number + i, threads)[1:] for i in (1, 2)]
                wall[name].append(min(ms for ms, _ in frames))
                cpu[name].append(min(ms for _, ms in frames))
        for name in ways:
            ratio = [b / a for a, b in zip(wall["vos"], wall[name])]
            cpu_ratio = [b / a for a, b in zip(cpu["vos"], cpu[name])]
            print(f"{preset:18} {dtype} {threads} {name:9} {spread(wall[name])} {spread(cpu[name])}"
                  f" {statistics.median(ratio):6.2f} {statistics.median(cpu_ratio):6.2f}", flush=True)
    ways["vos"].close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--presets", default="vita-tcovis,vita-tcovis-full,vita-tcovis-tiny")
    parser.add_argument("--types", default="fp32,bf16")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=854)
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()
    args.threads, args.failed = [int(count) for count in args.threads.split(",")], False
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {os.cpu_count()} cores, load "
          f"{os.getloadavg()[0]:.1f}; {args.height}x{args.width}; median (quartiles) of {args.rounds} rounds")
    print(f"{'preset':18} type threads way      ms a frame           ms of CPU            wall/vos CPU/vos")
    with tempfile.TemporaryDirectory() as folder:
        for preset in args.presets.split(","):
            for dtype in args.types.split(","):
                measure(args, preset, dtype, folder)
    sys.exit(args.failed)


if __name__ == "__main__":
    main()
