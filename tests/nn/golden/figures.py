"""What the scripts here share: tensors that are a function of their name (the rule "vita" of weights/fill.hpp, rounded to
float32), and rows of figures: case, tensor, shape, sum, sum of |x|, and the elements at the flat places 0, 1, n/3, n/2, n-1.
"""

import numpy as np
import torch


def hashed(name):
    value = 2166136261
    for byte in name.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def signed(name, shape):
    """Uniform in [-1,1), double."""
    count = int(np.prod(shape))
    x = (hashed(name) + np.arange(count, dtype=np.uint64) * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x ^= x >> np.uint64(shift)
        x = (x * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    return torch.from_numpy((x.astype(np.float64) / 2**32 * 2 - 1).reshape(shape))


def rounded(values):
    return values.float().double()


def filled(name, tensor):
    if not tensor.is_floating_point():
        return tensor
    r = signed(name, tensor.shape)
    if tensor.dim() > 1:
        return rounded(r * (3 / (tensor.numel() / tensor.shape[0])) ** 0.5)
    return rounded(1 + 0.1 * r if name.endswith("running_var") or name.endswith(".weight") else 0.1 * r)


def fill(module):
    """A module in double, its weights the fills of their names."""
    module.double()
    with torch.no_grad():
        for key, value in module.state_dict().items():
            value.copy_(filled(key, value))
    return module


def given(name, *shape):
    """An input, with a gradient."""
    return rounded(2 * signed(name, shape)).requires_grad_()


class Figures:
    def __init__(self):
        self.rows = []

    def record(self, case, name, tensor):
        flat = tensor.detach().double().flatten()
        n = flat.numel()
        places = [flat[i].item() for i in (0, min(1, n - 1), n // 3, n // 2, n - 1)]
        shape = "x".join(str(size) for size in tensor.shape) or "scalar"
        numbers = [flat.sum().item(), flat.abs().sum().item(), *places]
        self.rows.append("\t".join([case, name, shape, *(f"{number:.12g}" for number in numbers)]))

    def record_case(self, case, outputs, inputs, module):
        """Outputs, and what the loss gives back: the sum of each output times the fill of its name."""
        loss = 0
        for name, value in outputs.items():
            self.record(case, name, value)
            loss = loss + (value * rounded(signed(name, value.shape))).sum()
        loss.backward()
        for name, value in inputs.items():
            self.record(case, f"grad:{name}", value.grad)
        for key, value in module.named_parameters():
            if value.grad is not None:
                self.record(case, f"grad:{key}", value.grad)

    def write(self, path):
        path.write_text("\n".join(self.rows) + "\n")
