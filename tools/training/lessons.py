"""What a student learns from: canvases as training composes them, and the tokens that finished weights make of them.

Composing and the teacher's run cost more than a small student's step, so both are done once, and every canvas is used
many times. Run it once per core, with a seed of its own each.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import torch
from torch import Tensor

from canvas import compose
from data import Store, load_store, normalise
from evaluate import load_model
from model import Detector

BATCH = 8
# Grids of pictures and their odds, on canvases smaller than 480x640 and on others.
SMALL = ((1, 1), (2, 2), (1, 2), (3, 3)), (0.5, 0.35, 0.1, 0.05)
LARGE = ((1, 1), (2, 2), (2, 3), (3, 4)), (0.25, 0.25, 0.25, 0.25)


@torch.no_grad()
def lesson(teacher: Detector, store: Store, count: int, h: int, w: int) -> dict[str, Tensor]:
    """`count` canvases of h x w: images [n, 3, h, w] uint8, their objects as in Canvases, and the teacher's normed
    tokens [n, rows*cols, d] behind its last block, in half precision."""
    canvases = compose(store, count, h, w, random.choices(*(LARGE if h * w >= 480 * 640 else SMALL))[0])
    tokens = teacher.norm(teacher.attend(normalise(canvases.images, teacher.cfg.mean, teacher.cfg.std))[0])
    return {
        "images": canvases.images.round().byte(), "boxes": canvases.boxes, "soft": canvases.soft.half(),
        "kind": canvases.kind, "tokens": tokens.half(),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--from", dest="teacher", type=Path, required=True, help="Lookout: last.pt, or a folder with model.json")
    parser.add_argument("--prepared", type=Path, required=True, help="the file prepare.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--canvases", type=int, default=12000)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    random.seed(args.seed)
    teacher = load_model(args.teacher, args.device)
    store = load_store(args.prepared, args.device)
    kept: dict[str, Tensor] = {}
    for first in range(0, args.canvases, BATCH):
        part = lesson(teacher, store, min(BATCH, args.canvases - first), args.height, args.width)
        kept = kept or {k: torch.empty(args.canvases, *v.shape[1:], dtype=v.dtype) for k, v in part.items()}
        for k, v in part.items():
            kept[k][first : first + len(v)] = v
        if first // BATCH % 100 == 99:
            print(f"{first + BATCH} canvases", flush=True)
    torch.save(kept, args.out)


if __name__ == "__main__":
    main()
