#!/usr/bin/env python3
"""Makes blocks.tsv, figures of values and gradients as figures.py has them, of the blocks that torch.nn has too.

    python make_blocks.py        torch 2.11.0 when this was last run

Weights and inputs are functions of their names; a case's loss is the sum of its output times the fill "out".
"""

from pathlib import Path

import torch

from figures import Figures, filled, rounded, signed

figures = Figures()


def fill(module):
    module.double()
    with torch.no_grad():
        for key, value in module.state_dict().items():
            value.copy_(filled(key, value))
    return module


def given(name, *shape):
    return rounded(2 * signed(name, shape)).requires_grad_()


def record_case(case, out, inputs, module):
    figures.record(case, "out", out)
    (out * rounded(signed("out", out.shape))).sum().backward()
    for name, value in inputs.items():
        figures.record(case, f"grad:{name}", value.grad)
    for key, value in module.named_parameters():
        figures.record(case, f"grad:{key}", value.grad)


attention = fill(torch.nn.MultiheadAttention(32, 4, batch_first=True))
query, key, value = given("query", 2, 5, 32), given("key", 2, 7, 32), given("value", 2, 7, 32)
record_case("attention", attention(query, key, value)[0], {"query": query, "key": key, "value": value}, attention)

attention = fill(torch.nn.MultiheadAttention(32, 4, batch_first=True))
query = given("query", 2, 5, 32)
blocked = (signed("blocked", (5, 5)) > 0) & ~torch.eye(5, dtype=torch.bool)
record_case("self-attention, masked", attention(query, query, query, attn_mask=blocked)[0], {"query": query}, attention)


class Layer(torch.nn.Module):
    def __init__(self, name):
        super().__init__()
        self.add_module(name, torch.nn.MultiheadAttention(32, 4, batch_first=True))
        self.norm = torch.nn.LayerNorm(32)


layer = fill(Layer("self_attn"))
x, position = given("x", 2, 5, 32), given("position", 2, 5, 32)
seen = layer.self_attn(x + position, x + position, x)[0]
record_case("self-attention layer", layer.norm(x + seen), {"x": x, "position": position}, layer)

layer = fill(Layer("multihead_attn"))
x, position = given("x", 2, 5, 32), given("position", 2, 5, 32)
memory, places = given("memory", 2, 7, 32), given("places", 2, 7, 32)
seen = layer.multihead_attn(x + position, memory + places, memory)[0]
record_case("cross-attention layer", layer.norm(x + seen), {"x": x, "position": position, "memory": memory, "places": places}, layer)


class Ffn(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear1, self.linear2, self.norm = torch.nn.Linear(32, 48), torch.nn.Linear(48, 32), torch.nn.LayerNorm(32)


ffn = fill(Ffn())
x = given("x", 2, 5, 32)
record_case("ffn", ffn.norm(x + ffn.linear2(ffn.linear1(x).relu())), {"x": x}, ffn)

mlp = torch.nn.Module()
mlp.layers = torch.nn.ModuleList([torch.nn.Linear(32, 24), torch.nn.Linear(24, 24), torch.nn.Linear(24, 8)])
fill(mlp)
x = given("x", 2, 5, 32)
record_case("mlp", mlp.layers[2](mlp.layers[1](mlp.layers[0](x).relu()).relu()), {"x": x}, mlp)

figures.write(Path(__file__).parent / "blocks.tsv")
