#!/usr/bin/env python3
"""The deterministic fills once more, in numpy: fill.tsv.

    python tests/weights/golden/make_fill.py     # Python 3.11.2, numpy 2.4.6

Columns: rule, key list, key, the tensor's number (vita: its hash), a checksum over its float32 bits, and the bits of its
first, middle and last element. Checksum: the sum of bits(i) * (2 i + 1) over all i, modulo 2^64.
"""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
LISTS = HERE.parent.parent / "golden" / "keys"
U32, U64 = np.uint32, np.uint64

# Every kind of tensor that a rule tells apart, small and large.
CHOSEN = [
    ("aot", "aot_swinb_deaotl", [
        "encoder.patch_embed.proj.weight", "encoder.patch_embed.proj.bias", "encoder.patch_embed.norm.weight",
        "encoder.layers.0.blocks.0.attn.relative_position_bias_table", "encoder.layers.0.blocks.0.attn.qkv.weight",
        "LSTT.layers.0.linear_QV.weight", "decoder.conv_in.gn.weight", "patch_wise_id_bank.weight",
        "id_norm.bias"]),
    ("aot", "aot_aott", ["LSTT.mask_token", "encoder.features.0.1.weight", "encoder.features.0.1.running_mean",
                          "encoder.features.0.1.running_var", "LSTT.layers.0.short_term_attn.relative_emb_v",
                          "decoder.conv_out.bias"]),
    ("vita", "vita_r50", [
        "backbone.stem.conv1.weight", "backbone.stem.conv1.norm.weight", "backbone.stem.conv1.norm.running_var",
        "backbone.stem.conv1.norm.running_mean", "backbone.res5.0.shortcut.weight",
        "sem_seg_head.pixel_decoder.transformer.level_embed",
        "sem_seg_head.pixel_decoder.transformer.encoder.layers.0.self_attn.sampling_offsets.bias",
        "sem_seg_head.predictor.transformer_self_attention_layers.0.self_attn.in_proj_bias",
        "sem_seg_head.predictor.query_feat.weight", "vita_module.fq_pos.weight", "vita_module.sim_embed_clip.bias"]),
    ("devis", "devis_r50", [
        "def_detr.backbone.0.body.conv1.weight", "def_detr.backbone.0.body.bn1.weight",
        "def_detr.backbone.0.body.bn1.running_var", "def_detr.backbone.0.body.layer4.0.downsample.0.weight",
        "def_detr.backbone.1.temporal_embed", "def_detr.transformer.decoder.layers.5.self_attn.in_proj_bias",
        "def_detr.class_embed.0.weight", "def_detr.query_embed.weight", "def_detr.input_proj.0.1.weight",
        "mask_head.gn1.weight"]),
]


def murmur(s):
    s = s ^ (s >> U32(16))
    s = s * U32(0x85EBCA6B)
    s = s ^ (s >> U32(13))
    s = s * U32(0xC2B2AE35)
    return s ^ (s >> U32(16))


def unit(rule, number, count):
    i = np.arange(count, dtype=U64)
    if rule == "devis":
        z = U64(number) * U64(0x9E3779B97F4A7C15) + i * U64(0xD1B54A32D192ED03)
        z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
        z = z ^ (z >> U64(31))
        return 2 * ((z >> U64(11)).astype(np.float64) / 2.0**53) - 1
    if rule == "aot":
        s = (i + U64(number) * U64(0x9E3779B9)).astype(U32)
    else:
        s = (U64(number) + i * U64(2654435761)).astype(U32)
    return murmur(s).astype(np.float64) / 2.0**32 * 2 - 1


def fnv(key):
    h = 2166136261
    for byte in key.encode("ascii"):
        h = (h ^ byte) * 16777619 % 2**32
    return h


def values(rule, key, shape, number):
    numel = int(np.prod(shape))
    u = unit(rule, number, numel)
    many = len(shape) >= 2
    if rule == "aot":
        out = (1 + 0.5 * u if key.endswith("running_var") else u * 1.5 / np.sqrt(numel / shape[0]) if many else
               1 + 0.1 * u if key.endswith("weight") else 0.1 * u)
    elif rule == "vita":
        out = (u * np.sqrt(3 / (numel / shape[0])) if many else 2 * u if key.endswith("sampling_offsets.bias") else
               1 + 0.1 * u if key.endswith(("running_var", ".weight")) else 0.1 * u)
    else:
        out = (1 + 0.2 * u if key.endswith("running_var") else np.sqrt(6 * shape[0] / numel) * u if many else
               1 + 0.1 * u if key.endswith("weight") else 0.1 * u)
    return out.astype(np.float32)


def main():
    np.seterr(over="ignore")
    lines = ["rule\tlist\tkey\tnumber\tchecksum\tfirst\tmiddle\tlast"]
    for rule, name, chosen in CHOSEN:
        missing, number = set(chosen), 0
        table = [line.split("\t") for line in (LISTS / f"{name}.tsv").read_text().splitlines()]
        for cells in table[1:]:
            row = dict(zip(table[0], cells))
            integer, alias = row["dtype"] == "int64", bool(row.get("alias_of"))
            if row["key"] in missing and not integer and not alias:
                missing.remove(row["key"])
                shape = [int(n) for n in row["shape"].split("x")]
                n = fnv(row["key"]) if rule == "vita" else number
                bits = values(rule, row["key"], shape, n).view(U32)
                weights = 2 * np.arange(bits.size, dtype=U64) + U64(1)
                checksum = int((bits.astype(U64) * weights).sum(dtype=U64))
                shown = "\t".join(f"{bits[i]:08x}" for i in (0, bits.size // 2, bits.size - 1))
                lines.append(f"{rule}\t{name}\t{row['key']}\t{n}\t{checksum:016x}\t{shown}")
            number += 1 if rule == "aot" else not (integer or alias)
        assert not missing, missing
    (HERE / "fill.tsv").write_text("\n".join(lines) + "\n")


main()
