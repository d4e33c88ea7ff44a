#!/usr/bin/env python3
"""Makes what the backbones are compared with, in this folder:

    python make_backbones.py        torch 2.11.0, torchvision 0.26.0, timm 1.0.31 when this was last run

    backbones.tsv    figures of levels and gradients, as figures.py has them
    NAME.keys.tsv    the tensors of the ImageNet files that people have, in the makes that differ in names

Everything is computed in double from weights and images that are a function of their name, so that neither weights nor seeds
have to be kept. A case's loss, where it has gradients, is the sum over its levels of the map times the fill "level1", "level2", ...
"""

import re
from pathlib import Path

import timm
import torch
import torchvision

from figures import Figures, filled, rounded, signed

HERE = Path(__file__).parent


def images(*shape):
    return rounded(2 * signed("images", shape)).requires_grad_()


# --- what is recorded ---------------------------------------------------------------------------------------------------
figures = Figures()
record = figures.record


def record_all(case, maps, image, weights):
    """Levels, and the gradients of the loss for the image and some weights, by the name they have with us."""
    loss = 0
    for i, level in enumerate(maps, 1):
        record(case, f"level{i}", level)
        loss = loss + (level * rounded(signed(f"level{i}", level.shape))).sum()
    loss.backward()
    record(case, "grad:images", image.grad)
    for name, weight in weights.items():
        record(case, f"grad:{name}", weight.grad)


def record_keys(name, tensors):
    lines = ["key\tshape\tdtype\tkind"]
    for key, tensor, kind in tensors:
        shape = "x".join(str(size) for size in tensor.shape) or "scalar"
        lines.append(f"{key}\t{shape}\t{str(tensor.dtype).removeprefix('torch.')}\t{kind}")
    (HERE / f"{name}.keys.tsv").write_text("\n".join(lines) + "\n")


def state_of(model):
    parameters = dict(model.named_parameters())
    return [(key, value, "param" if key in parameters else "buffer") for key, value in model.state_dict().items()]


def fill(model, name_of=lambda key: key):
    """Each tensor by the name it has in the file."""
    model.double()
    with torch.no_grad():
        for key, value in model.state_dict().items():
            value.copy_(filled(name_of(key), value))
    return model.eval()


# --- torchvision, and timm where it has torchvision's names ---------------------------------------------------------------
def resnet_levels(model, x):
    x = model.maxpool(model.relu(model.bn1(model.conv1(x))))
    maps = []
    for layer in (model.layer1, model.layer2, model.layer3, model.layer4):
        x = layer(x)
        maps.append(x)
    return maps


def resnet(depth, **options):
    return getattr(torchvision.models, f"resnet{depth}")(**options)


for depth in (18, 34, 101):
    model, image = fill(resnet(depth)), images(2, 3, 33, 49)
    weights = {key: model.get_parameter(key) for key in ("conv1.weight", "layer1.0.conv2.weight", "layer4.0.downsample.0.weight")}
    record_all(f"resnet{depth}", resnet_levels(model, image), image, weights)

model, image = fill(resnet(50, replace_stride_with_dilation=[False, True, True])), images(1, 3, 33, 49)
record_all("resnet50, output stride 8", resnet_levels(model, image), image, {"layer4.1.conv2.weight": model.layer4[1].conv2.weight})

model, image = fill(resnet(18)).train(), images(2, 3, 33, 49)
record_all("resnet18, training", resnet_levels(model, image), image,
           {key: model.get_parameter(key) for key in ("conv1.weight", "bn1.weight", "layer4.1.bn2.bias")})
for key in ("bn1.running_mean", "layer4.1.bn2.running_var", "bn1.num_batches_tracked"):
    record("resnet18, training", key, model.get_buffer(key))


def mobilenet_levels(model, x):
    maps = []
    for i, feature in enumerate(model.features):
        x = feature(x)
        if i in (3, 6, 13, 18):
            maps.append(x)
    return maps


model, image = fill(torchvision.models.mobilenet_v2()), images(2, 3, 33, 49)
record_all("mobilenet-v2", mobilenet_levels(model, image), image,
           {key: model.get_parameter(key) for key in ("features.0.0.weight", "features.2.conv.1.0.weight", "features.18.0.weight")})

record_keys("torchvision_resnet18", state_of(resnet(18)))
record_keys("torchvision_mobilenet_v2", state_of(torchvision.models.mobilenet_v2()))
for depth in (18, 50):
    ours, theirs = resnet(depth).state_dict(), timm.create_model(f"resnet{depth}").state_dict()
    assert [(k, v.shape) for k, v in ours.items()] == [(k, v.shape) for k, v in theirs.items()], "timm parts from torchvision"


def timm_mobilenet_levels(model, x):
    x = model.bn1(model.conv_stem(x))
    maps = []
    for i, stage in enumerate(model.blocks):
        x = stage(x)
        if i in (1, 2, 4):
            maps.append(x)
    return [*maps, model.bn2(model.conv_head(x))]


model, image = fill(timm.create_model("mobilenetv2_100")), images(2, 3, 33, 49)
for i, level in enumerate(timm_mobilenet_levels(model, image), 1):
    record("timm_mobilenet_v2", f"level{i}", level)
record_keys("timm_mobilenet_v2", state_of(model.float()))


# --- detectron2's converted torchvision files -----------------------------------------------------------------------------
def detectron2_name(key):
    """As its tools/convert-torchvision-to-d2.py renames: what is in no layer belongs to the stem, fc too."""
    if "layer" not in key:
        key = "stem." + key
    for stage in (1, 2, 3, 4):
        key = key.replace(f"layer{stage}", f"res{stage + 1}")
    for number in (1, 2, 3):
        key = key.replace(f"bn{number}", f"conv{number}.norm")
    return key.replace("downsample.0", "shortcut").replace("downsample.1", "shortcut.norm")


model, image = fill(resnet(50), detectron2_name), images(1, 3, 33, 49)
for i, level in enumerate(resnet_levels(model, image), 1):
    record("detectron2_resnet50", f"level{i}", level)
record_keys("detectron2_resnet50", [(detectron2_name(key), value, kind) for key, value, kind in state_of(model.float())])


# --- Swin: timm's files, and the official ones -------------------------------------------------------------------------------
def swin():
    # always_partition: as for dense prediction, a map as small as the window is shifted too.
    return timm.create_model("swin_tiny_patch4_window7_224", always_partition=True)


def swin_levels(model, x):
    x = model.patch_embed(x)
    maps = []
    for layer in model.layers:
        x = layer(x)
        level = torch.nn.functional.layer_norm(x, x.shape[-1:])  # norm0 to norm3 are not in ImageNet files
        maps.append(level.permute(0, 3, 1, 2))
    return maps


model, image = fill(swin()), images(1, 3, 224, 224)
ours_is_theirs = {
    "patch_embed.proj.weight": "patch_embed.proj.weight",
    "layers.0.downsample.reduction.weight": "layers.1.downsample.reduction.weight",
    "layers.2.blocks.1.attn.relative_position_bias_table": "layers.2.blocks.1.attn.relative_position_bias_table",
    "layers.3.blocks.1.attn.qkv.bias": "layers.3.blocks.1.attn.qkv.bias",
}
record_all("timm_swin_tiny", swin_levels(model, image), image,
           {ours: model.get_parameter(theirs) for ours, theirs in ours_is_theirs.items()})
record_keys("timm_swin_tiny", state_of(model.float()))


def torchvision_swin_levels(model, x):
    maps = []
    for i, part in enumerate(model.features):
        x = part(x)
        if i % 2 == 1:
            maps.append(torch.nn.functional.layer_norm(x, x.shape[-1:]).permute(0, 3, 1, 2))
    return maps


# No map as small as the window, which torchvision does not shift.
model, image = fill(torchvision.models.swin_t()), images(1, 3, 232, 256)
for i, level in enumerate(torchvision_swin_levels(model, image), 1):
    record("torchvision_swin_t", f"level{i}", level)
record_keys("torchvision_swin_t", state_of(model.float()))


def official_state():
    """What microsoft/Swin-Transformer's swin_tiny_patch4_window7_224.pth holds under 'model'."""
    state = []

    def add(key, *shape, dtype=torch.float32, kind="param"):
        state.append((key, torch.zeros(shape, dtype=dtype), kind))

    def linear(key, rows, columns):
        add(f"{key}.weight", rows, columns)
        add(f"{key}.bias", rows)

    def norm(key, channels):
        add(f"{key}.weight", channels)
        add(f"{key}.bias", channels)

    add("patch_embed.proj.weight", 96, 3, 4, 4)
    add("patch_embed.proj.bias", 96)
    norm("patch_embed.norm", 96)
    for stage, (depth, heads) in enumerate(zip((2, 2, 6, 2), (3, 6, 12, 24))):
        channels, windows = 96 << stage, (8 >> stage) ** 2
        for block in range(depth):
            at = f"layers.{stage}.blocks.{block}"
            if block % 2 and windows > 1:
                add(f"{at}.attn_mask", windows, 49, 49, kind="buffer")
            norm(f"{at}.norm1", channels)
            add(f"{at}.attn.relative_position_bias_table", 169, heads)
            add(f"{at}.attn.relative_position_index", 49, 49, dtype=torch.int64, kind="buffer")
            linear(f"{at}.attn.qkv", 3 * channels, channels)
            linear(f"{at}.attn.proj", channels, channels)
            norm(f"{at}.norm2", channels)
            linear(f"{at}.mlp.fc1", 4 * channels, channels)
            linear(f"{at}.mlp.fc2", channels, 4 * channels)
        if stage < 3:
            add(f"layers.{stage}.downsample.reduction.weight", 2 * channels, 4 * channels)
            norm(f"layers.{stage}.downsample.norm", 4 * channels)
    norm("norm", 768)
    linear("head", 1000, 768)
    return state


state = official_state()
record_keys("official_swin_tiny", state)
model = swin()
# timm's own conversion is the judge of which name goes where.
converted = timm.models.swin_transformer.checkpoint_filter_fn({"model": {key: filled(key, value) for key, value, _ in state}}, model)
model.double().load_state_dict(converted, strict=True)
for i, level in enumerate(swin_levels(model.eval(), images(1, 3, 224, 224)), 1):
    record("official_swin_tiny", f"level{i}", level)

figures.write(HERE / "backbones.tsv")
