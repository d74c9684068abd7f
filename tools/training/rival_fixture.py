"""Write what the application's reading of Lookout-SH is tested with: a tiny random rival, as export.py writes one, and
what PyTorch makes of a picture with it.

    python rival_fixture.py --out ../../main/detector/families/shvit/fixtures/lookout-sh
"""

from __future__ import annotations

import argparse
import json
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from data import normalise
from evaluate import pad16, select
from export import NMS_IOU, rival_config
from model import CLASSES
from shvit import Config, ConvNorm, Residual, ShDetector, SingleHead, fused

SMALL = Config(embed=(16, 20, 32), partial=(4, 6, 10), depth=(1, 2, 2), neck=24)  # 20: a gate of 24 channels, rounded up
HEIGHT, WIDTH = 139, 201  # padded to 144 x 208: maps of 9 x 13, 5 x 7 and 3 x 4
SCORE = 0.3


def picture(seed: int) -> np.ndarray:
    """Soft colours, a dozen rectangles and noise; RGB uint8."""
    rng = np.random.default_rng(seed)
    soft = torch.from_numpy(rng.uniform(30, 220, (1, 3, 5, 7)))
    image = F.interpolate(soft, (HEIGHT, WIDTH), mode="bilinear")[0].permute(1, 2, 0).numpy().copy()
    for _ in range(12):
        x, y, w, h = rng.integers((0, 0, 8, 8), (WIDTH - 20, HEIGHT - 20, 70, 60))
        image[y : y + h, x : x + w] = rng.uniform(0, 255, 3)
    return (image + rng.normal(0, 6, image.shape)).clip(0, 255).astype(np.uint8)


@torch.no_grad()
def randomise(model: ShDetector, pixels: Tensor) -> None:
    """Numbers under which every part of the network matters to what comes out: norms that meet about what they expect,
    scales of residuals far from 0, and a head whose logits and distances spread."""
    for m in model.modules():
        if isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
            m.weight.uniform_(0.6, 1.4), m.bias.normal_(std=0.3)
        if isinstance(m, nn.BatchNorm2d):
            m.momentum = 1.0
    model.train()(pixels)  # what the norms see becomes what they expect
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean += 0.3 * m.running_var.sqrt() * torch.randn_like(m.running_mean)
            m.running_var *= torch.empty_like(m.running_var).uniform_(0.6, 1.6)
    hidden = []
    handle = model.head2.register_forward_pre_hook(lambda _, x: hidden.append(x[0]))
    model.eval()(pixels)
    handle.remove()
    model.head2.weight.normal_(std=2 / hidden[0].square().sum(-1).mean().sqrt().item())
    bias = model.head2.bias.view(4, -1)
    bias[:, : len(CLASSES)], bias[:, len(CLASSES) :] = -3, 1.5


@torch.no_grad()
def refilled(model: ShDetector, stored: dict[str, Tensor]) -> ShDetector:
    """The network of `stored` weights: norms that do nothing, and no 1 at the centre beside a residual."""
    back = deepcopy(model)
    modules = dict(back.named_modules())
    for name, m in modules.items():
        if isinstance(m, ConvNorm):
            inside = isinstance(modules[name.rpartition(".")[0]], Residual)
            name = name.removesuffix(".m") if inside else name
            weight = stored[f"{name}.weight"].float()
            if inside:
                weight[:, 0, 1, 1] -= 1
            m.c.weight.copy_(weight), m.bn.bias.copy_(stored[f"{name}.bias"])
            m.bn.weight.fill_(1), m.bn.running_mean.zero_(), m.bn.running_var.fill_(1 - m.bn.eps)
        elif isinstance(m, (nn.Conv2d, nn.GroupNorm, nn.Linear)) and f"{name}.weight" in stored:
            m.weight.copy_(stored[f"{name}.weight"]), m.bias.copy_(stored[f"{name}.bias"])
    return back


@torch.no_grad()
def operations(model: ShDetector, pixels: Tensor) -> int:
    """Multiply-adds of convolutions, linear layers and attention's products; not of what only training needs."""
    counted = []

    def count(m: nn.Module, given: tuple[Tensor, ...], result: Tensor) -> None:
        if isinstance(m, SingleHead):
            qk, _, partial = m.sizes
            counted.append(given[0].shape[2:].numel() ** 2 * (qk + partial))
        else:
            counted.append(m.weight[0].numel() * result.numel())

    kinds = (nn.Conv2d, nn.Linear, SingleHead)
    hooks = [m.register_forward_hook(count) for name, m in model.named_modules() if isinstance(m, kinds) and name != "aux"]
    model(pixels)
    for hook in hooks:
        hook.remove()
    return sum(counted)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    image = picture(0)
    model = ShDetector(SMALL)
    pixels = normalise(torch.from_numpy(pad16(image)).permute(2, 0, 1)[None], model.cfg.mean, model.cfg.std)
    randomise(model, pixels)
    stored = fused(model)
    exact, rounded = model(pixels), refilled(model, stored)(pixels)
    apart = (exact["logits"] - rounded["logits"]).abs().max().item()
    assert apart < 0.1, f"folded norms in half precision move logits by {apart}"
    logits, boxes = rounded["logits"][0], rounded["boxes"][0]
    labels, kept, scores = select(logits, boxes, WIDTH, HEIGHT, SCORE, NMS_IOU)
    print(f"logits {logits.mean():.2f} +- {logits.std():.2f}, moved by at most {apart:.4f}; {len(labels)} detections")
    save_file(stored, out / "model.safetensors")
    (out / "model.json").write_text(json.dumps(rival_config(model, {"name": "Tiny rival"}), indent=2) + "\n")
    numbers = {
        "picture": torch.from_numpy(image), "logits": logits, "boxes": boxes, "macs": torch.tensor(operations(model, pixels)),
        "detections.labels": torch.from_numpy(labels), "detections.boxes": torch.from_numpy(kept),
        "detections.scores": torch.from_numpy(scores),
    }  # fmt: skip
    save_file({k: v.contiguous() for k, v in numbers.items()}, out / "parity.safetensors")
    for file in out.glob("*.safetensors"):
        file.chmod(0o644)


if __name__ == "__main__":
    main()
