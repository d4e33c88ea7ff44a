#!/usr/bin/env python3
"""Makes tokens.tsv, figures of values and gradients as figures.py has them, of the decoders of tokens and clips.

    python make_tokens.py        torch 2.11.0 when this was last run

The decoders are written out here from torch.nn's modules, one frame and one query at a time where that is plainer: masks
are resized whole, windows are masks over the whole clip, the memory is read slot by slot. Weights and inputs are functions of
their names; a case's loss is the sum over its outputs, each times the fill of the output's name.
"""

from math import pi
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import interpolate, layer_norm

from figures import Figures, fill, given

figures = Figures()
C, HEADS, HIDDEN = 32, 4, 48


class Attention(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.add_module(name, nn.MultiheadAttention(C, HEADS, batch_first=True))
        self.norm = nn.LayerNorm(C)
        self.name = name

    def forward(self, x, query, key, value, blocked=None):
        return self.norm(x + getattr(self, self.name)(query, key, value, attn_mask=blocked, need_weights=False)[0])


class Ffn(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear1, self.linear2, self.norm = nn.Linear(C, HIDDEN), nn.Linear(HIDDEN, C), nn.LayerNorm(C)

    def forward(self, x):
        return self.norm(x + self.linear2(self.linear1(x).relu()))


class Mlp(nn.Module):
    def __init__(self, *sizes):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return self.layers[-1](x)


class Decoder(nn.Module):
    def __init__(self, layers, queries, classes):
        super().__init__()
        self.transformer_self_attention_layers = nn.ModuleList(Attention("self_attn") for _ in range(layers))
        self.transformer_cross_attention_layers = nn.ModuleList(Attention("multihead_attn") for _ in range(layers))
        self.transformer_ffn_layers = nn.ModuleList(Ffn() for _ in range(layers))
        self.decoder_norm = nn.LayerNorm(C)
        self.query_feat, self.query_embed = nn.Embedding(queries, C), nn.Embedding(queries, C)
        self.class_embed, self.mask_embed = nn.Linear(C, classes + 1), Mlp(C, C, C, C)

    def layer(self, i, x, memory, places, blocked=None):
        where = self.query_embed.weight
        x = self.transformer_cross_attention_layers[i](x, x + where, memory + places, memory, blocked)
        x = self.transformer_self_attention_layers[i](x, x + where, x + where, x)
        return self.transformer_ffn_layers[i](x)

    def say(self, x):
        tokens = self.decoder_norm(x)
        return tokens, self.class_embed(tokens), self.mask_embed(tokens)


# --- tokens ---------------------------------------------------------------------------------------------------------------


def sine(height, width, features):
    """[height*width, 2*features], float32 as the networks keep it."""
    code = torch.zeros(2 * features, height, width)
    y = (torch.arange(height) + 1) / (height + 1e-6) * 2 * pi
    x = (torch.arange(width) + 1) / (width + 1e-6) * 2 * pi
    for j in range(features):
        slow = 10000 ** (2 * (j // 2) / features)
        wave = torch.sin if j % 2 == 0 else torch.cos
        code[j] = wave(y / slow)[:, None]
        code[features + j] = wave(x / slow)[None]
    return code.flatten(1).T.double()


class TokenDecoder(Decoder):
    def __init__(self, layers, levels, masked):
        super().__init__(layers, queries=7, classes=3)
        self.level_embed = nn.Embedding(levels, C)
        self.masked = masked

    def forward(self, features, maps):
        n = features.shape[0]
        x = self.query_feat.weight.expand(n, -1, -1)
        said = [self.say(x)]
        for i in range(len(self.transformer_ffn_layers)):
            level = i % self.level_embed.num_embeddings
            h, w = maps[level].shape[2:]
            memory = maps[level].flatten(2).transpose(1, 2) + self.level_embed.weight[level]
            blocked = None
            if self.masked:
                masks = torch.einsum("nqc,nchw->nqhw", said[-1][2], features).detach()
                small = interpolate(masks, (h, w), mode="bilinear", align_corners=False)
                blocked = small.flatten(2).sigmoid() < 0.5
                blocked[blocked.all(2)] = False
                blocked = blocked.repeat_interleave(HEADS, 0)
            x = self.layer(i, x, memory, sine(h, w, C // 2), blocked)
            said.append(self.say(x))
        return said


def token_case(case, layers, masked, sizes, whole):
    decoder = fill(TokenDecoder(layers, len(sizes), masked))
    maps = [given(f"level{i}", 2, C, h, w) for i, (h, w) in enumerate(sizes)]
    features = given("masks", 2, C, *whole)
    said = decoder(features, maps)
    outputs = {}
    for i, (tokens, logits, embeddings) in enumerate(said):
        outputs |= {f"tokens{i}": tokens, f"logits{i}": logits, f"masks{i}": torch.einsum("nqc,nchw->nqhw", embeddings, features)}
    figures.record_case(case, outputs, {"masks": features} | {f"level{i}": m for i, m in enumerate(maps)}, decoder)


token_case("masked", 4, True, [(2, 3), (4, 6), (8, 12)], (16, 24))
token_case("masked, sizes that do not divide", 4, True, [(2, 3), (3, 5), (6, 10)], (11, 19))
token_case("light", 3, False, [(3, 5)], (11, 19))


# --- clips ----------------------------------------------------------------------------------------------------------------


class ClipDecoder(Decoder):
    def __init__(self, window, encoder_layers, memory):
        super().__init__(2, queries=5, classes=3)
        self.window, self.memory = window, memory
        self.enc_self_attn = nn.ModuleList(Attention("self_attn") for _ in range(encoder_layers))
        self.enc_ffn = nn.ModuleList(Ffn() for _ in range(encoder_layers))
        self.vita_mask_features = nn.Conv2d(C, C, 1)
        self.fq_pos = nn.Embedding(4, C)
        for name in ["input_proj_dec", "sim_embed_frame", "sim_embed_clip"] + memory * [
            "pre_memory_embed_k", "pre_memory_embed_v", "pre_query_embed_k", "pre_query_embed_v"]:
            self.add_module(name, nn.Linear(C, C))

    def encode(self, tokens):
        b, t, q, _ = tokens.shape
        x = self.input_proj_dec(tokens).flatten(1, 2)
        for i in range(len(self.enc_ffn)):
            shift = self.window - self.window // 2 if i % 2 == 1 and not self.training else 0
            of = (torch.arange(t) + shift) // self.window if self.window > 0 else torch.zeros(t)
            of = of.repeat_interleave(q)
            x = self.enc_ffn[i](self.enc_self_attn[i](x, x, x, x, of[:, None] != of[None]))
        return x.view(b, t, q, C)

    def decode(self, encoded, x):
        t = encoded.shape[1]
        said = []
        for i in range(len(self.transformer_ffn_layers)):
            x = self.layer(i, x, encoded.flatten(1, 2), self.fq_pos.weight.repeat(t, 1))
            said.append(self.say(x))
        return said, x


def clip_case(case, window, frames, training):
    head = fill(ClipDecoder(window, 3, False)).train(training)
    tokens, finest = given("frame tokens", 2, frames, 4, C), given("finest", 2 * frames, C, 3, 4)
    encoded = head.encode(tokens)
    said, state = head.decode(encoded, head.query_feat.weight.expand(2, -1, -1))
    maps = head.vita_mask_features(finest)
    outputs = {"encoded": encoded, "state": state, "mask features": maps,
               "sim frame": head.sim_embed_frame(encoded), "sim clip": head.sim_embed_clip(said[-1][0])}
    for i, (queries, logits, embeddings) in enumerate(said):
        if training or i + 1 == len(said):
            outputs |= {f"tokens{i}": queries, f"logits{i}": logits, f"mask embeddings{i}": embeddings}
    figures.record_case(case, outputs, {"frame tokens": tokens, "finest": finest}, head)


clip_case("window of 3, training", 3, 8, True)
clip_case("window of 3", 3, 8, False)
clip_case("window of 4", 4, 9, False)
clip_case("whole clip", 0, 5, False)


def memory_case(case, frames):
    head = fill(ClipDecoder(0, 1, True))
    tokens = given("frame tokens", 2, frames, 4, C)
    state, keys, values, outputs = head.query_feat.weight.expand(2, -1, -1), [], [], {}
    for t in range(frames):
        asked, told = head.pre_query_embed_k(state), head.pre_query_embed_v(state)
        remembered = torch.zeros(2, 5, C, dtype=torch.double)
        for b in range(2):
            for n in range(5):
                if keys:
                    weights = torch.stack([asked[b, n] @ k[b, n] for k in keys]).softmax(0)
                    remembered[b, n] = sum(w * v[b, n] for w, v in zip(weights, values))
        said, state = head.decode(head.encode(tokens[:, t:t + 1]), state + told + remembered)
        keys.append(head.pre_memory_embed_k(said[-1][0]))
        values.append(head.pre_memory_embed_v(said[-1][0]))
        outputs |= {f"logits of frame {t}": said[-1][1], f"state of frame {t}": state}
    figures.record_case(case, outputs, {"frame tokens": tokens}, head)


memory_case("memory", 4)


# --- spatio-temporal enhancement --------------------------------------------------------------------------------------------


class Ste(nn.Module):
    def __init__(self, correlate):
        super().__init__()
        parts = 2 if correlate else 1
        self.correlate = correlate
        self.pos_proj = nn.Linear(C, C)
        if correlate:
            self.corr_q, self.corr_k = nn.Linear(C, C), nn.Linear(C, C, bias=False)
        self.gate, self.fuse, self.norm = nn.Linear((1 + parts) * C, C), Mlp(parts * C, C, C), nn.LayerNorm(C)

    def one(self, query, mask, before, now):
        h, w = mask.shape
        soft = mask.detach().sigmoid()
        if soft.sum() < 1:
            return query
        covered = (soft * before).sum((1, 2)) / (soft.sum() + 1e-6)
        centre_y = (soft * ((torch.arange(h).double() + 0.5) / h)[:, None]).sum() / (soft.sum() + 1e-6)
        centre_x = (soft * ((torch.arange(w).double() + 0.5) / w)[None]).sum() / (soft.sum() + 1e-6)
        code = []
        for angle, features in ((2 * pi * centre_y, C // 4), (2 * pi * centre_x, C // 4), ((soft.sum() / (h * w)).log(), C // 2)):
            for j in range(features):
                phase = angle / 10000 ** (2 * (j // 2) / features)
                code.append(phase.sin() if j % 2 == 0 else phase.cos())
        told = [covered + self.pos_proj(torch.stack(code))]
        if self.correlate:
            places = []
            for y in range(0, now.shape[1], 2):
                for x in range(0, now.shape[2], 2):
                    places.append(now[:, y:y + 2, x:x + 2].mean((1, 2)))
            places = torch.stack(places)
            weights = (self.corr_k(places) @ self.corr_q(told[0]) / C**0.5).softmax(0)
            told.append(weights @ places)
        news = self.gate(torch.cat([query, *told])).sigmoid() * self.fuse(torch.cat(told))
        return query + self.norm(query + news) - layer_norm(query, (C,), self.norm.weight)


def ste_case(case, correlate):
    ste = fill(Ste(correlate))
    queries, before, now = given("queries", 2, 3, C), given("before", 2, C, 5, 7), given("now", 2, C, 5, 7)
    with torch.no_grad():
        masks = 4 * given("masks", 2, 3, 5, 7)
        masks[0, 1] = -9  # 35 sigmoids of -9 are less than a pixel
    out = torch.stack([torch.stack([ste.one(queries[b, n], masks[b, n], before[b], now[b]) for n in range(3)]) for b in range(2)])
    inputs = {"queries": queries, "before": before} | ({"now": now} if correlate else {})
    figures.record_case(case, {"out": out}, inputs, ste)


ste_case("ste, pool", False)
ste_case("ste, pool and correlation", True)

figures.write(Path(__file__).with_name("tokens.tsv"))
