"""The two fixed-camera test clips, and what is lost when most tokens are remembered instead of recomputed.

PETS09-S2L1 and TUD-Stadtmitte serve evaluation only; none of their frames is trained or tuned on.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from data import normalise
from evaluate import Found, average_precision, detect, load_model, pad16, select
from model import PAD_AFTER, PAD_BEFORE, PATCH, Block, Detector, decode, rotate

Frames = list[tuple[int, np.ndarray]]
Truth = dict[int, tuple[np.ndarray, np.ndarray]]
NOISE = 1.0  # mean absolute change of a window (0..255) that is never worth a recomputation


def frames(video: Path, step: int, size: tuple[int, int] | None = None, limit: int | None = None) -> Frames:
    """Frames 1, 1 + step, ... as RGB, with their 1-based numbers; size is (width, height)."""
    capture, out, n = cv2.VideoCapture(str(video)), [], 1
    while limit is None or n <= limit:
        ok, frame = capture.read()
        if not ok:
            break
        if (n - 1) % step == 0:
            if size and (frame.shape[1], frame.shape[0]) != size:
                frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
            out.append((n, np.ascontiguousarray(frame[:, :, ::-1])))
        n += 1
    return out


def ground_truth(path: Path, scale: tuple[float, float]) -> Truth:
    """Frame -> boxes xyxy and whether to ignore each (confidence 0); MOT Challenge format."""
    rows: dict[int, list] = {}
    for r in csv.reader(path.open()):
        x, y, w, h, conf = (float(v) for v in r[2:7])
        sx, sy = scale
        rows.setdefault(int(r[0]), []).append((x * sx, y * sy, (x + w) * sx, (y + h) * sy, conf))
    return {k: (np.array([t[:4] for t in v], np.float32), np.array([t[4] == 0 for t in v])) for k, v in rows.items()}


def person_ap(shots: Frames, truth: Truth, find: Callable[[np.ndarray], Found]) -> float:
    found, gt = [], []
    for n, image in shots:
        labels, boxes, scores = find(image)
        found.append((boxes[labels == 0], scores[labels == 0]))
        gt.append(truth.get(n, (np.zeros((0, 4), np.float32), np.zeros(0, bool))))
    return average_precision(found, gt)


class Cached:
    """Token cache: recompute chosen tokens, remember keys, values and head outputs of all others.

    With a threshold (0..255): tokens whose 31x31 window changed by more since they were last computed, everything
    every `refresh` frames. With a budget (share of the tokens): the most changed ones first, after a round that
    reaches every token once in `refresh` frames.
    """

    def __init__(self, model: Detector, threshold: float = NOISE, budget: float = 1.0, refresh: int = 150) -> None:
        self.model, self.threshold, self.budget, self.refresh = model, threshold, budget, refresh
        self.count, self.fractions = 0, []

    def choose(self, windows: torch.Tensor) -> torch.Tensor:
        n = len(windows)
        whole = self.count == 0 or (self.budget == 1.0 and self.count % self.refresh == 0)
        if whole:
            self.seen = windows.clone()
            return torch.arange(n, device=windows.device)
        change = (windows - self.seen).abs().mean(1)
        if self.budget < 1.0:
            change[torch.arange(n, device=change.device) % self.refresh == self.count % self.refresh] = math.inf
            order = change.topk(math.ceil(self.budget * n)).indices
            return order[change[order] > self.threshold]
        return (change > self.threshold).nonzero()[:, 0]

    @torch.no_grad()
    def __call__(self, image: np.ndarray) -> Found:
        m, h, w = self.model, *image.shape[:2]
        device = next(m.parameters()).device
        pixels = torch.from_numpy(pad16(image)).to(device).permute(2, 0, 1)[None]
        rows, cols = pixels.shape[2] // PATCH, pixels.shape[3] // PATCH
        pad = (PAD_BEFORE, PAD_AFTER, PAD_BEFORE, PAD_AFTER)
        windows = F.unfold(F.pad(pixels.float(), pad), 31, stride=PATCH)[0].T  # [N, 3*31*31]
        pick = self.choose(windows)
        if self.count == 0:
            n, hd = rows * cols, m.cfg.dim // m.cfg.heads
            self.keys, self.values = (torch.zeros(m.cfg.depth, 1, m.cfg.heads, n, hd, device=device) for _ in range(2))
            self.out = torch.zeros(1, n, m.head2.out_features, device=device)
        self.seen[pick] = windows[pick]
        self.fractions.append(len(pick) / len(windows))
        self.count += 1
        if len(pick):
            cos, sin = m.table(rows, cols, device)
            # Equal to the stem on gathered windows; the whole image is simply quicker here.
            x = m.stem(normalise(pixels, m.cfg.mean, m.cfg.std)).flatten(2).transpose(1, 2)[:, pick]
            for i, block in enumerate(m.blocks):
                x = self.block(i, block, x, pick, cos, sin)
            self.out[:, pick] = m.head(m.norm(x))
        logits, boxes = decode(self.out, rows, cols)
        return select(logits[0], boxes[0], w, h)

    def block(self, i: int, block: Block, x: torch.Tensor, pick: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        b, n, d = x.shape
        q, k, v = block.qkv(block.norm1(x)).view(b, n, 3, block.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, cos[pick], sin[pick]), rotate(k, cos[pick], sin[pick])
        self.keys[i][:, :, pick], self.values[i][:, :, pick] = k, v
        a = F.scaled_dot_product_attention(q, self.keys[i], self.values[i])
        x = x + block.proj(a.transpose(1, 2).reshape(b, n, d))
        return x + block.fc2(F.gelu(block.fc1(block.norm2(x))))


def teacher_finder(path: Path) -> Callable[[np.ndarray], Found]:
    from teacher import Teacher

    teacher = Teacher(path)

    def find(image: np.ndarray) -> Found:
        boxes, prob = teacher(image)
        score, label = prob.max(1)
        return label.numpy(), boxes.numpy(), score.numpy()

    return find


def wanted(sets: dict, only: list[str] | None) -> list[tuple]:
    return [(k, v) for k, v in sets.items() if only is None or k in only]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--pets", type=Path, required=True, help="the PETS09-S2L1 video file (vtest.avi of OpenCV's samples)")
    parser.add_argument("--pets-gt", type=Path, required=True)
    parser.add_argument("--tud", type=Path, required=True)
    parser.add_argument("--tud-gt", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, help="the teacher's ONNX file, for its own row")
    parser.add_argument("--rho", type=float, nargs="*", default=[0.5, 0.3, 0.1])
    parser.add_argument("--thresholds", type=float, nargs="*", default=[0.5, 1, 2, 4, 8], help="of change, 0..255")
    parser.add_argument("--budgets", type=float, nargs="*", default=[0.05, 0.1, 0.25], help="shares of the tokens")
    parser.add_argument("--sigma", type=float, help="smoothing of the clustered mode, if not the trained one")
    parser.add_argument("--only", nargs="*", help="names of the clips' rows to compute, e.g. tud_640x480_all")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    model, table = load_model(args.checkpoint, args.device, args.sigma), {}
    half, whole = ground_truth(args.pets_gt, (640 / 768, 480 / 576)), ground_truth(args.pets_gt, (1, 1))
    tud = ground_truth(args.tud_gt, (1, 1))

    def row(clip: str, mode: str, shots: Frames, truth: Truth, find: Callable[[np.ndarray], Found]) -> None:
        table.setdefault(clip, {})[mode] = {"AP50": round(person_ap(shots, truth, find), 4)}
        if isinstance(find, Cached):
            table[clip][mode]["recomputed"] = round(float(np.mean(find.fractions)), 4)
        print(f"{clip}, {len(shots)} frames, {mode}: {table[clip][mode]}", flush=True)

    modes: dict[str, dict] = {"dense": {}}
    if isinstance(model, Detector):
        modes |= {f"rho_{r}": {"rho": r} for r in args.rho} | {"clustered": {"clustered": True}}
    sets = {
        "pets_640x480_every_5th": (frames(args.pets, 5, (640, 480)), half),
        "pets_768x576_every_5th": (frames(args.pets, 5), whole),
        "tud_640x480_every_3rd": (frames(args.tud, 3), tud),
    }
    for clip, (shots, truth) in wanted(sets, args.only):
        for name, mode in modes.items():
            row(clip, name, shots, truth, partial(detect, model, **mode))
        if args.teacher:
            row(clip, "teacher", shots, truth, teacher_finder(args.teacher))
    if isinstance(model, Detector):
        series = {
            "pets_640x480_first_300": (frames(args.pets, 1, (640, 480), 300), half),
            "pets_768x576_all": (frames(args.pets, 1), whole), "tud_640x480_all": (frames(args.tud, 1), tud),
        }  # fmt: skip
        for clip, (shots, truth) in wanted(series, args.only):
            row(clip, "dense", shots, truth, partial(detect, model))
            for t in args.thresholds if "first" in clip else ():
                row(clip, f"change > {t}", shots, truth, Cached(model, threshold=t))
            for share in args.budgets:
                row(clip, f"budget {share}", shots, truth, Cached(model, budget=share))
    if args.json:
        args.json.write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
