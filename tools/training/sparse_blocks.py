"""Trains blocks and a head of the sparse mode's own; stem, scorer and the blocks before it stay, and so does every other
mode.

What a kept token can read of the others is what they were after the scorer's blocks. Shared blocks seldom met that in
training and must serve the dense mode first; copies of them, trained further on kept tokens alone, need not, and have
maps of their own for the others' keys and values. Beside the labels they learn to make of a kept token what the dense
mode makes of it. The tokens they start from never change, so a canvas is computed once, waits in a pool, and a step
costs a fraction of a dense one.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from canvas import Canvases, like_photographs
from data import load_held_out, load_store, normalise
from evaluate import detect, load_model, val_map
from losses import WEIGHTS, answer_losses
from model import PATCH, Block, Detector, SparseTail, decode_points, points, rotate
from optim import Average, Optimiser

WARM = 0.05  # share of the plan over which the learning rates rise
CLIP = 5.0  # of the gradient's norm
SPAN = 4  # the highest keep ratio of a step over the lowest


@dataclass
class Example:
    """A batch of canvases up to the scorer."""

    tokens: Tensor  # [B, N, d]
    order: Tensor  # [B, N] tokens, the scorer's favourites first
    dense: Tensor  # [B, n, d] the first n of them behind the dense mode's last block, normalised
    rows: int
    cols: int
    target: Canvases  # without its images


@torch.no_grad()
def example(model: Detector, canvases: Canvases, most: float, precision: torch.dtype = torch.float16) -> Example:
    """`most`: the highest keep ratio it will be used with."""
    rows, cols = canvases.images.shape[2] // PATCH, canvases.images.shape[3] // PATCH
    x, dense = model.dense_tokens(normalise(canvases.images, model.cfg.mean, model.cfg.std))
    order = model.score(x).argsort(1, descending=True)
    favourites = order[:, : math.ceil(most * order.shape[1]), None].expand(-1, -1, x.shape[2])
    dense = F.layer_norm(dense.gather(1, favourites).float(), x.shape[2:])
    target = replace(canvases, images=canvases.images.new_empty(0))
    return Example(x.to(precision), order, dense.to(precision), rows, cols, target)


def run_kept(tail: SparseTail, given: Example, keep: int, table: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The sparse mode with the scorer's `keep` favourites -> their tokens behind the last block [B, keep, d], points
    [B, 4*keep, 2], logits and boxes.

    Equal to `Detector.forward(rho=...)`, but computes nothing of the others that is not read."""
    d, heads = given.tokens.shape[2], tail.blocks[0].heads
    tokens = given.tokens.float()

    def take(index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens [B, n, d], and the cosines and sines [B, 1, n, head_dim] of their places."""
        return tokens.gather(1, index[..., None].expand(-1, -1, d)), *(t[index][:, None] for t in table)

    kept = given.order[:, :keep]
    y, cos, sin = take(kept)
    memory = tail.rest_memory(*take(given.order[:, keep:]))
    for b, (rest_k, rest_v) in zip(tail.blocks, memory):
        q, k, v = b.qkv(b.norm1(y)).unflatten(2, (3, heads, -1)).permute(2, 0, 3, 1, 4)
        keys, values = torch.cat([rotate(k, cos, sin), rest_k], 2), torch.cat([v, rest_v], 2)
        a = F.scaled_dot_product_attention(rotate(q, cos, sin).to(values.dtype), keys.to(values.dtype), values)
        y = y + b.proj(a.transpose(1, 2).flatten(2))
        y = y + b.fc2(F.gelu(b.fc1(b.norm2(y))))
    pts = points(given.rows, given.cols, tokens.device).view(-1, 4, 2)[kept].flatten(1, 2)
    return y, pts, *decode_points(tail.head(tail.norm(y)).float(), pts)


def share_kept(low: float) -> float:
    """The keep ratio of a step: mostly `low`, else up to SPAN times that."""
    return low if random.random() < 0.8 else random.uniform(low, SPAN * low)


def kept_losses(tail: SparseTail, given: Example, rho: float, table: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    """Class and box losses, and how far the kept tokens are from those of the dense mode."""
    keep = max(1, math.ceil(rho * given.tokens.shape[1]))
    y, pts, logits, boxes = run_kept(tail, given, keep, table)
    usable = torch.ones(pts.shape[:2], dtype=torch.bool, device=pts.device)
    parts, _ = answer_losses(logits, boxes, pts, given.target, usable, topk=6)
    return parts | {"dense": F.mse_loss(F.layer_norm(y.float(), y.shape[2:]), given.dense[:, :keep].float())}


def train_step(
    tail: SparseTail, parts: dict[str, Tensor], weights: dict[str, float], optimiser: Optimiser, rate: float
) -> dict[str, float]:
    tail.zero_grad()
    sum(weights[k] * v for k, v in parts.items()).backward()
    nn.utils.clip_grad_norm_(tail.parameters(), CLIP)
    optimiser.step(rate)
    return {k: v.item() for k, v in parts.items()}


def own_blocks(model: Detector, up_to: float) -> SparseTail:
    """Gives the sparse mode copies of the shared blocks and head, if it has none yet; it uses them at keep ratios up to
    `up_to`."""
    model.cfg = replace(model.cfg, sparse_up_to=up_to)
    if model.sparse is None:
        tail = SparseTail(model.cfg)
        tail.blocks.load_state_dict(model.blocks[model.cfg.scorer_after :].state_dict())
        for name in ("norm", "head1", "head2"):
            getattr(tail, name).load_state_dict(getattr(model, name).state_dict())
        for layer, block in zip(tail.rest, tail.blocks):
            start_rest(layer, block)
        model.sparse = tail.to(model.scorer2.weight.device)
    return model.sparse


@torch.no_grad()
def start_rest(layer: nn.Linear, block: Block) -> None:
    """The keys and values that the block makes of tokens that are not normalised yet, as one map of normalised ones."""
    weight = block.qkv.weight[layer.in_features :]
    layer.weight.copy_(weight * block.norm1.weight)
    layer.bias.copy_(block.qkv.bias[layer.in_features :] + weight @ block.norm1.bias)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--from", dest="start", type=Path, required=True, help="a checkpoint, or a folder with model.json")
    parser.add_argument("--prepared", type=Path, required=True, help="the file prepare.py wrote, with a teacher")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write, for evaluate.py and export.py")
    parser.add_argument("--minutes", type=float, required=True, help="all schedules follow the wall clock")
    parser.add_argument("--pool", type=int, default=600, help="batches of canvases that wait to be used again")
    parser.add_argument("--fresh", type=float, default=0.33, help="share of the steps that also compose a new batch")
    parser.add_argument("--batch", type=float, default=1.0, help="factor on all batch sizes")
    parser.add_argument("--low", type=float, default=0.1, help="keep ratio of most steps, and the least of all")
    parser.add_argument("--up-to", type=float, default=0.15, help="highest keep ratio at which the mode uses them")
    parser.add_argument("--like-dense", type=float, default=16.0, help="weight of the distance from the dense mode's tokens")
    parser.add_argument("--bfloat16", action="store_true", help="faster where the processor multiplies such matrices")
    parser.add_argument("--lr", type=float, default=6e-5)
    parser.add_argument("--muon-lr", type=float, default=3e-4)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--eval-every", type=float, default=10.0, help="minutes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    random.seed(args.seed)
    model = load_model(args.start, args.device).requires_grad_(False)
    training = copy.deepcopy(own_blocks(model, args.up_to)).requires_grad_(True)
    store, val = load_store(args.prepared, args.device), load_held_out(args.prepared)
    optimiser = Optimiser(training, "muon", args.lr, args.muon_lr, args.decay)
    average = Average(training, model.sparse)
    pool: deque[Example] = deque(maxlen=args.pool)
    start = told = time.time()
    weights = WEIGHTS | {"dense": args.like_dense}
    means, step, canvases = {}, 0, 0

    def report() -> None:
        mean, per = val_map([detect(model, v.image, rho=args.low) for v in val], val)
        torch.save({"kind": "lookout", "config": model.cfg.as_dict(), "ema": model.state_dict()}, args.out)
        minutes = (time.time() - start) / 60
        losses = {k: round(v, 4) for k, v in means.items()}
        print(json.dumps({"minutes": round(minutes, 1), "step": step, "composed": canvases, **losses,
                          f"mAP50 at {args.low}": round(mean, 4), "person": round(per["person"], 4)}), flush=True)  # fmt: skip

    while (p := (time.time() - start) / 60 / args.minutes) < 1:
        if len(pool) < min(60, args.pool) or random.random() < args.fresh:
            with torch.autocast(args.device, torch.bfloat16, enabled=args.bfloat16):
                pool.append(example(model, like_photographs(store, args.batch), SPAN * args.low))
            canvases += len(pool[-1].tokens)
        given = random.choice(pool)
        rate = min(1.0, p / WARM) * (0.5 + 0.5 * math.cos(math.pi * p)) + 0.002
        table = model.table(given.rows, given.cols, given.tokens.device)
        with torch.autocast(args.device, torch.bfloat16, enabled=args.bfloat16):
            parts = kept_losses(training, given, share_kept(args.low), table)
        for k, v in train_step(training, parts, weights, optimiser, rate).items():
            means[k] = v if step == 0 else means[k] + (v - means[k]) / 200
        step += 1
        average.update(min(args.ema, (step + 1) / (step + 10)))
        if time.time() - told > args.eval_every * 60:
            report()
            told = time.time()
    report()


if __name__ == "__main__":
    main()
