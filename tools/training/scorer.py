"""Trains the scorer of finished weights anew; all other weights, and so the dense mode, stay as they are.

A token's goal is the best score that the dense run gives at it: the sparse mode then keeps the tokens that would have
answered. Needs no labels and no teacher, and little time: the scorer reads tokens that are computed once. At the end
the last bias is set so that scores have the mean they had before: ranks stay, and so does the level of the map that
people see and that the token cache weighs changes by.
"""

from __future__ import annotations

import argparse
import math
import random
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from canvas import like_photographs
from data import Store, load_store, normalise
from evaluate import load_model
from model import PATCH, Detector, decode

Example = tuple[Tensor, Tensor]  # tokens that the scorer reads [B, N, d] and their goals [B, N], in half precision


@torch.no_grad()
def example(model: Detector, images: Tensor) -> Example:
    """images [B, 3, H, W] in [0, 255]."""
    rows, cols = images.shape[2] // PATCH, images.shape[3] // PATCH
    read, x = model.dense_tokens(normalise(images, model.cfg.mean, model.cfg.std))
    logits = decode(model.head(model.norm(x)), rows, cols)[0]
    return read.half(), logits.sigmoid().amax(2).unflatten(1, (-1, 4)).amax(2).half()


def widen(model: Detector, width: int) -> None:
    """Adds hidden units to the scorer, at first random and with a small say."""
    old = model.scorer1, model.scorer2
    known = old[0].out_features
    if width < known:
        raise SystemExit(f"--width must be at least {known}, which the scorer has (got {width})")
    model.cfg = replace(model.cfg, scorer_width=width)
    model.scorer1 = nn.Linear(old[0].in_features, width).to(old[0].weight.device)
    model.scorer2 = nn.Linear(width, 1).to(old[0].weight.device)
    with torch.no_grad():
        model.scorer1.weight[:known], model.scorer1.bias[:known] = old[0].weight, old[0].bias
        model.scorer2.weight.mul_(0.1)
        model.scorer2.weight[:, :known], model.scorer2.bias[:] = old[1].weight, old[1].bias


def fit(model: Detector, examples: list[Example], steps: int, rate: float) -> None:
    """AdamW on the scorer's two layers, one cosine over the steps; the loss is the cross entropy with the goal, over
    two examples a step."""
    layers = [model.scorer1, model.scorer2]
    weights = [p for layer in layers for p in layer.parameters()]
    adam = torch.optim.AdamW(weights, lr=rate, weight_decay=0.01)
    mean = 0.0
    for step in range(steps):
        loss = torch.zeros((), device=weights[0].device)
        for read, goal in random.choices(examples, k=2):
            loss = loss + F.binary_cross_entropy_with_logits(model.score(read.float()), goal.float()) / 2
        adam.param_groups[0]["lr"] = rate * min(1.0, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        adam.zero_grad()
        loss.backward()
        adam.step()
        mean += (loss.item() - mean) / (step % 500 + 1)
        if step % 500 == 499 or step == steps - 1:
            print(f"step {step + 1} loss {mean:.5f}", flush=True)


@torch.no_grad()
def scores(model: Detector, examples: list[Example]) -> Tensor:
    """The scorer's logits at all tokens of the examples, [tokens]."""
    return torch.cat([model.score(read.float()).flatten() for read, _ in examples])


def shift_to(logits: Tensor, mean: float) -> float:
    """What to add to logits so that their sigmoids have that mean; by bisection."""
    low, high = -20.0, 20.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if (logits + middle).sigmoid().mean() < mean else (low, middle)
    return low


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--from", dest="start", type=Path, required=True, help="last.pt, or a folder with model.json")
    parser.add_argument("--prepared", type=Path, required=True, help="the file prepare.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write, for evaluate.py and export.py")
    parser.add_argument("--canvases", type=int, default=11000)
    parser.add_argument("--width", type=int, default=160, help="of the scorer's hidden layer")
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--rate", type=float, default=0.015)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    random.seed(args.seed)
    model = load_model(args.start, args.device)
    store = load_store(args.prepared, args.device)
    examples, count, told = [], 0, 0
    while count < args.canvases:
        examples.append(example(model, like_photographs(store).images))
        count += len(examples[-1][0])
        if count - told >= 200:
            print(f"{count} canvases", flush=True)
            told = count
    level = scores(model, examples).sigmoid().mean().item()
    widen(model, args.width)
    fit(model, examples, args.steps, args.rate)
    model.scorer2.bias.data += shift_to(scores(model, examples), level)
    torch.save({"kind": "lookout", "config": model.cfg.as_dict(), "ema": model.state_dict()}, args.out)


if __name__ == "__main__":
    main()
