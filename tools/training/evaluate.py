"""Detection with a trained model, and average precision on the held-out images."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torchvision.ops import batched_nms

import shvit
from data import Sample, load, normalise
from model import CLASSES, PATCH, Config, Detector
from published import load_published

SCORE, NMS_IOU, MAX_DET = 0.01, 0.6, 100
FIRST_LOOKOUT = {"dim": 128, "stem": (24, 48, 96), "sigma": 3}
Found = tuple[np.ndarray, np.ndarray, np.ndarray]  # labels, boxes xyxy, scores


def pad16(image: np.ndarray) -> np.ndarray:
    h, w = image.shape[:2]
    ph, pw = -h % PATCH, -w % PATCH
    return cv2.copyMakeBorder(image, 0, ph, 0, pw, cv2.BORDER_CONSTANT, value=(114,) * 3) if ph or pw else image


def select(logits: torch.Tensor, boxes: torch.Tensor, w: int, h: int, score: float = SCORE, iou: float = NMS_IOU) -> Found:
    """Points [P, C] and [P, 4] -> detections after suppression within each class, best first."""
    prob = logits.sigmoid()
    p, c = (prob > score).nonzero(as_tuple=True)
    s = prob[p, c]
    if len(s) > 2000:
        s, order = s.topk(2000)
        p, c = p[order], c[order]
    b = boxes[p].clone()
    b[:, 0::2] = b[:, 0::2].clamp(0, w)
    b[:, 1::2] = b[:, 1::2].clamp(0, h)
    k = batched_nms(b, s, c, iou)[:MAX_DET]
    return c[k].cpu().numpy(), b[k].cpu().numpy(), s[k].cpu().numpy()


@torch.no_grad()
def detect(model: nn.Module, image: np.ndarray, iou: float = NMS_IOU, **mode) -> Found:
    """RGB uint8 image -> detections in its pixels. mode: rho, clustered."""
    h, w = image.shape[:2]
    device = next(model.parameters()).device
    pixels = torch.from_numpy(pad16(image)).to(device).permute(2, 0, 1)[None]
    out = model(normalise(pixels, model.cfg.mean, model.cfg.std), **mode)
    usable = out["kept"][0].repeat_interleave(4)
    return select(out["logits"][0][usable], out["boxes"][0][usable], w, h, iou=iou)


def overlaps(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """One box [4] against others [n, 4] -> [n]."""
    inter = (np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])).clip(0).prod(1)
    return inter / ((box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1) - inter + 1e-9)


def judge(found: list, truth: list, iou: float = 0.5) -> tuple[list[tuple[float, int, int]], np.ndarray]:
    """found: per image (boxes, scores); truth: per image (boxes, ignore). (score, 1 if right, image) of every detection
    that counts, best first, and how many objects each image has."""
    rows, objects = [], np.zeros(len(truth), int)
    for image, ((boxes, scores), (gt, ignore)) in enumerate(zip(found, truth)):
        objects[image] = (~ignore).sum()
        used = np.zeros(len(gt), bool)
        for i in np.argsort(-scores, kind="stable"):
            if not len(gt):
                rows.append((scores[i], 0, image))
                continue
            overlap = overlaps(boxes[i], gt)
            real = np.where(~ignore & ~used, overlap, -1)
            j = int(real.argmax())
            if real[j] >= iou:
                used[j] = True
                rows.append((scores[i], 1, image))
            elif (np.where(ignore, overlap, -1)).max() < iou:
                rows.append((scores[i], 0, image))
    rows.sort(key=lambda r: -r[0])
    return rows, objects


def average_precision(found: list, truth: list, iou: float = 0.5) -> float:
    """All-point AP of what `judge` is given."""
    rows, objects = judge(found, truth, iou)
    total = objects.sum()
    if not total:
        return math.nan
    if not rows:
        return 0.0
    hit = np.cumsum([r[1] for r in rows])
    recall, precision = hit / total, hit / np.arange(1, len(rows) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0], recall])) * precision))


def of_class(c: int, results: list[Found], val: list[Sample]) -> tuple[list, list]:
    """What was found of a class, and what there is of it, as `judge` is given them."""
    found = [(b[k == c], s[k == c]) for k, b, s in results]
    return found, [(v.boxes[v.labels == c], v.ignore[v.labels == c]) for v in val]


def val_map(results: list[Found], val: list[Sample]) -> tuple[float, dict[str, float]]:
    """mAP50 over the classes, and AP50 of each."""
    per = {name: average_precision(*of_class(c, results, val)) for c, name in enumerate(CLASSES)}
    values = [v for v in per.values() if not math.isnan(v)]
    return float(np.mean(values)), per


def build(kind: str, settings: dict) -> nn.Module:
    """An untrained network: kind is "lookout" or "shvit"."""
    return shvit.ShDetector(shvit.Config(**settings)) if kind == "shvit" else Detector(Config(**settings))


def load_model(checkpoint: Path, device: str = "cpu", sigma: float | None = None) -> nn.Module:
    """The averaged weights of a training checkpoint (the first Lookout's says neither kind nor sizes), or the weights
    of a folder with model.json.

    sigma: smoothing of the clustered mode, if not the trained one."""
    if checkpoint.is_dir():
        return load_published(checkpoint, sigma).to(device)
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    settings = saved.get("config", FIRST_LOOKOUT) | ({"sigma": sigma} if sigma else {})
    model = build(saved.get("kind", "lookout"), settings)
    model.load_state_dict(saved["ema"])
    return model.to(device).eval()


def teacher_results(path: Path, val: list[Sample]) -> list[Found]:
    from teacher import Teacher, look

    found = look(Teacher(path), val)
    return [(p.argmax(1).numpy(), b.numpy(), p.amax(1).numpy()) for b, p in (found[v.name] for v in val)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="last.pt, or a folder with model.json")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, help="the teacher's ONNX file, for its own row")
    parser.add_argument("--rho", type=float, nargs="*", default=[0.5, 0.3, 0.1])
    parser.add_argument("--sigma", type=float, help="smoothing of the clustered mode, if not the trained one")
    parser.add_argument("--iou", type=float, nargs="*", default=[], help="overlaps of the suppression to compare")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    model = load_model(args.checkpoint, args.device, args.sigma)
    _, val = load(args.data, None)
    table = {}

    def row(name: str, results: list[Found]) -> None:
        mean, per = val_map(results, val)
        table[name] = {"mAP50": round(mean, 4), "person": round(per["person"], 4), "per_class": {k: round(v, 3) for k, v in per.items()}}
        print(f"{name}: mAP50 {mean:.4f} person {per['person']:.4f}", flush=True)

    modes = {"dense": {}}
    if isinstance(model, Detector):
        modes |= {f"rho_{r}": {"rho": r} for r in args.rho} | {"clustered": {"clustered": True}}
    for name, mode in modes.items():
        row(name, [detect(model, v.image, **mode) for v in val])
    for iou in args.iou:
        row(f"dense, nms {iou}", [detect(model, v.image, iou) for v in val])
    if args.teacher:
        row("teacher", teacher_results(args.teacher, val))
    if args.json:
        args.json.write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
