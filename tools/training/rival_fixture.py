"""Write what the application's reading of Lookout-SH is tested with: what PyTorch makes of a picture with the published
one, or with a tiny random one, which it writes as export.py does.

    python rival_fixture.py --out ../../main/families/lookout-sh/fixtures/tiny
    python rival_fixture.py --out ../../main/families/lookout-sh/fixtures/lookout-sh \
        --from ../../models/lookout-sh --video ../../assets/samples/plaza.mp4 --at 450 130
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from data import normalise
from evaluate import pad16, select
from export import NMS_IOU, rival_config
from model import CLASSES
from published import load_published
from shvit import Config, ShDetector, SingleHead, fused

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


def cut(video: Path, x: int, y: int) -> np.ndarray:
    """The part at (x, y) of a clip's first frame, as large as `picture`."""
    found, image = cv2.VideoCapture(str(video)).read()
    image = image[y : y + HEIGHT, x : x + WIDTH] if found else np.zeros(0)
    if image.shape != (HEIGHT, WIDTH, 3):
        raise SystemExit(f"--video: {video} has no first frame with {WIDTH}x{HEIGHT} pixels at --at {x} {y}")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


@torch.no_grad()
def tiny_random(pixels: Tensor, folder: Path) -> None:
    model = ShDetector(SMALL)
    randomise(model, pixels)
    save_file(fused(model), folder / "model.safetensors")
    (folder / "model.json").write_text(json.dumps(rival_config(model, {"name": "Tiny rival"}), indent=2) + "\n")
    apart = (model(pixels)["logits"] - load_published(folder)(pixels)["logits"]).abs().max().item()
    assert apart < 0.1, f"folded norms in half precision move logits by {apart}"


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--from", dest="published", type=Path, help="folder of the published rival; without it a tiny one is written")
    parser.add_argument("--video", type=Path, help="the picture is cut from its first frame; without it one is made up")
    parser.add_argument("--at", type=int, nargs=2, default=(0, 0), help="x and y of the cut")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    image = cut(args.video, *args.at) if args.video else picture(0)
    pixels = normalise(torch.from_numpy(pad16(image)).permute(2, 0, 1)[None], SMALL.mean, SMALL.std)
    if not args.published:
        tiny_random(pixels, args.out)
    model = load_published(args.published or args.out)
    out = model(pixels)
    logits, boxes = out["logits"][0], out["boxes"][0]
    labels, kept, scores = select(logits, boxes, WIDTH, HEIGHT, SCORE, NMS_IOU)
    print(f"logits {logits.mean():.2f} +- {logits.std():.2f}; {len(labels)} detections")
    numbers = {
        "picture": torch.from_numpy(image), "logits": logits, "boxes": boxes, "macs": torch.tensor(operations(model, pixels)),
        "detections.labels": torch.from_numpy(labels), "detections.boxes": torch.from_numpy(kept),
        "detections.scores": torch.from_numpy(scores),
    }  # fmt: skip
    save_file({k: v.contiguous() for k, v in numbers.items()}, args.out / "parity.safetensors")
    for file in args.out.glob("*.safetensors"):
        file.chmod(0o644)


if __name__ == "__main__":
    main()
