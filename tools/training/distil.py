"""Teaches Lookout-SH what Lookout answers, beside the labels, on the canvases that lessons.py wrote.

The student sees crops of the canvases in other light, small ones first; Lookout saw each canvas once, whole. Three
things are learned: the labels as in train.py; Lookout's answer at every point (class probabilities, and boxes where it
is sure; nothing is assigned); and, through a linear map that is thrown away, Lookout's tokens.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from canvas import Canvases, cropped, uniform
from data import load_held_out, normalise
from evaluate import load_model
from losses import WEIGHTS, giou, losses
from model import PATCH, Detector, decode
from train import Run, arguments, begin, work_off

# From which progress: longest side of a crop.
SIDES = ((0.0, 160), (0.5, 256), (0.75, 10_000))
TOKENS = 12_800  # of a step
LIKE_TEACHER = {"answers": 1.0, "extents": 2.0, "tokens": 6.0}  # weights of the losses


@dataclass
class Lesson:
    canvases: Canvases
    tokens: Tensor  # [B, rows * cols, d], the teacher's


class Lessons:
    """Files of lessons.py, read where they lie."""

    def __init__(self, files: list[Path], device: str) -> None:
        self.files = [torch.load(f, map_location="cpu", weights_only=True, mmap=True) for f in files]
        self.odds = [f["tokens"].shape[0] * f["tokens"].shape[1] for f in self.files]
        self.device = device
        sample = torch.cat([f["tokens"][:100].flatten(0, 1).float() for f in self.files])
        self.mean, self.spread = sample.mean(0).to(device), sample.std(0).to(device)  # of every channel

    def look(self, count: int) -> Tensor:
        """Pictures [n, 3, H, W] in [0, 255], at most `count`."""
        return self.files[0]["images"][:count]

    def draw(self, side: int, batch: float, rng: random.Random) -> Lesson:
        """Canvases of one file, cut to at most `side` at one place, whole tokens."""
        f = rng.choices(self.files, self.odds)[0]
        (h, w), (rows, cols) = f["images"].shape[2:], (n // PATCH for n in f["images"].shape[2:])
        r, c = min(rows, side // PATCH), min(cols, side // PATCH)
        top, left = rng.randint(0, rows - r), rng.randint(0, cols - c)
        pick = torch.randint(len(f["images"]), (max(2, round(TOKENS * batch / (r * c))),)).sort().values
        whole = Canvases(f["images"][pick], f["boxes"][pick], f["soft"][pick].float(), f["kind"][pick])
        cut = cropped(whole, left * PATCH, top * PATCH, r * PATCH, c * PATCH)
        tokens = f["tokens"][pick].unflatten(1, (rows, cols))[:, top : top + r, left : left + c].flatten(1, 2)
        images = relit(cut.images.to(self.device).float())
        return Lesson(Canvases(images, *(t.to(self.device) for t in (cut.boxes, cut.soft, cut.kind))), tokens.to(self.device).float())


def relit(images: Tensor) -> Tensor:
    """images [B, 3, H, W] in [0, 255] in slightly other light, now and then with noise."""
    b, device = len(images), images.device
    gain = uniform((b, 1, 1, 1), 0.8, 1.2, device) * uniform((b, 3, 1, 1), 0.95, 1.05, device)
    images = images * gain + uniform((b, 1, 1, 1), -15, 15, device)
    if random.random() < 0.3:
        images = images + torch.randn_like(images) * uniform((b, 1, 1, 1), 0, 6, device)
    return images.clamp_(0, 255).contiguous(memory_format=torch.channels_last)


def like_teacher(out: dict[str, Tensor], teacher: Detector, tokens: Tensor, rows: int, cols: int) -> dict[str, Tensor]:
    """Losses of the student's answers against those the teacher gives at the same points."""
    with torch.no_grad():
        logits, boxes = decode(teacher.head(tokens), rows, cols)
        prob = logits.sigmoid()
        sure = prob.amax(2)
        norm = sure.sum().clamp(min=len(tokens) / 4)
    answers = F.binary_cross_entropy_with_logits(out["logits"], prob, reduction="sum") / norm
    return {"answers": answers, "extents": ((1 - giou(out["boxes"], boxes)) * sure).sum() / norm}


def distil_step(run: Run, lessons: Lessons, teacher: Detector, p: float, rng: random.Random) -> dict[str, Tensor]:
    model, side = run.model, [s for start, s in SIDES if start <= p][-1]
    lesson = lessons.draw(side, run.args.batch, rng)
    images = lesson.canvases.images
    rows, cols = images.shape[2] // PATCH, images.shape[3] // PATCH
    with torch.autocast(images.device.type, torch.bfloat16, enabled=images.is_cuda):
        out = model(normalise(images, model.cfg.mean, model.cfg.std))
    parts = losses(out, lesson.canvases, rows, cols, topk=10 if p < 0.7 else 6)
    parts |= like_teacher(out, teacher, lesson.tokens, rows, cols)
    goal = (lesson.tokens - lessons.mean) / lessons.spread
    parts["tokens"] = F.mse_loss(model.mimic(out["features"]).float(), goal)
    weights = WEIGHTS | LIKE_TEACHER
    run.update(sum(weights[k] * v for k, v in parts.items()), p)
    run.canvases += len(images)
    return {k: v.detach() for k, v in parts.items()}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--teacher", type=Path, required=True, help="the Lookout that lessons.py asked")
    parser.add_argument("--lessons", type=Path, nargs="+", required=True, help="files that lessons.py wrote")
    args = parser.parse_args()
    lessons, teacher = Lessons(args.lessons, args.device), load_model(args.teacher, args.device)
    args.config = json.dumps({"teacher_dim": teacher.cfg.dim} | json.loads(args.config))
    run, rng = begin(args, "shvit", lessons.look)
    work_off(run, load_held_out(args.prepared), lambda p: distil_step(run, lessons, teacher, p, rng))


if __name__ == "__main__":
    main()
