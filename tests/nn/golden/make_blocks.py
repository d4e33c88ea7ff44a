#!/usr/bin/env python3
"""Makes blocks.tsv, figures of values and gradients as figures.py has them, of the blocks that torch.nn has too.

    python make_blocks.py        torch 2.11.0 when this was last run

Weights and inputs are functions of their names; a case's loss is the sum of its output times the fill "out".
"""

from pathlib import Path

import torch

from figures import Figures, fill, given, signed

figures = Figures()


attention = fill(torch.nn.MultiheadAttention(32, 4, batch_first=True))
query, key, value = given("query", 2, 5, 32), given("key", 2, 7, 32), given("value", 2, 7, 32)
figures.record_case("attention", {"out": attention(query, key, value)[0]}, {"query": query, "key": key, "value": value}, attention)

attention = fill(torch.nn.MultiheadAttention(32, 4, batch_first=True))
query = given("query", 2, 5, 32)
blocked = (signed("blocked", (5, 5)) > 0) & ~torch.eye(5, dtype=torch.bool)
figures.record_case("self-attention, masked", {"out": attention(query, query, query, attn_mask=blocked)[0]}, {"query": query}, attention)


class Layer(torch.nn.Module):
    def __init__(self, name):
        super().__init__()
        self.add_module(name, torch.nn.MultiheadAttention(32, 4, batch_first=True))
        self.norm = torch.nn.LayerNorm(32)


layer = fill(Layer("self_attn"))
x, position = given("x", 2, 5, 32), given("position", 2, 5, 32)
seen = layer.self_attn(x + position, x + position, x)[0]
figures.record_case("self-attention layer", {"out": layer.norm(x + seen)}, {"x": x, "position": position}, layer)

layer = fill(Layer("multihead_attn"))
x, position = given("x", 2, 5, 32), given("position", 2, 5, 32)
memory, places = given("memory", 2, 7, 32), given("places", 2, 7, 32)
seen = layer.multihead_attn(x + position, memory + places, memory)[0]
figures.record_case("cross-attention layer", {"out": layer.norm(x + seen)}, {"x": x, "position": position, "memory": memory, "places": places}, layer)


class Ffn(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear1, self.linear2, self.norm = torch.nn.Linear(32, 48), torch.nn.Linear(48, 32), torch.nn.LayerNorm(32)


ffn = fill(Ffn())
x = given("x", 2, 5, 32)
figures.record_case("ffn", {"out": ffn.norm(x + ffn.linear2(ffn.linear1(x).relu()))}, {"x": x}, ffn)

mlp = torch.nn.Module()
mlp.layers = torch.nn.ModuleList([torch.nn.Linear(32, 24), torch.nn.Linear(24, 24), torch.nn.Linear(24, 8)])
fill(mlp)
x = given("x", 2, 5, 32)
figures.record_case("mlp", {"out": mlp.layers[2](mlp.layers[1](mlp.layers[0](x).relu()).relu())}, {"x": x}, mlp)

figures.write(Path(__file__).parent / "blocks.tsv")
