"""Task-aligned assignment (Feng et al., TOOD, 2021) with soft class vectors, and the training losses."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from canvas import Canvases
from data import LABEL, TEACHER, UNJUDGED, pair_iou
from model import points

ALPHA, BETA = 0.5, 4.0  # exponents of score and overlap in the alignment
WEIGHTS = {"cls": 1.0, "box": 2.0, "aux": 0.5, "scorer": 0.5}


def giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised overlap of boxes [..., 4] pair by pair."""
    inter = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inter + 1e-6
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1) + 1e-6
    return inter / union - (hull - union) / hull


def inside(pts: Tensor, boxes: Tensor) -> Tensor:
    """pts [P, 2] or [B, P, 2], boxes [B, M, 4] -> [B, M, P] bool."""
    x, y = pts[..., None, :, 0], pts[..., None, :, 1]
    return (x > boxes[..., 0:1]) & (x < boxes[..., 2:3]) & (y > boxes[..., 1:2]) & (y < boxes[..., 3:4])


@torch.no_grad()
def assign(logits: Tensor, boxes: Tensor, pts: Tensor, target: Canvases, usable: Tensor, topk: int) -> tuple[Tensor, Tensor]:
    """Per point: index of its object (-1: none) and how well it is aligned, in [0, 1]."""
    gt, label = target.boxes, target.soft.argmax(2)
    real = (target.kind == LABEL) | (target.kind == TEACHER)
    p = pts.shape[-2]
    centre, size = (gt[..., :2] + gt[..., 2:]) / 2, (gt[..., 2:] - gt[..., :2]).clamp(min=1)
    dx = (pts[..., None, :, 0] - centre[..., 0:1]) / size[..., 0:1]
    dy = (pts[..., None, :, 1] - centre[..., 1:2]) / size[..., 1:2]
    dist = dx.square() + dy.square()  # [B, M, P]
    ok = inside(pts, gt).scatter(2, dist.argmin(-1, keepdim=True), True) & real[:, :, None] & usable[:, None]
    iou = pair_iou(gt, boxes)
    score = logits.sigmoid().transpose(1, 2).gather(1, label[:, :, None].expand(-1, -1, p))
    metric = score.pow(ALPHA) * (iou + 1e-3).pow(BETA) * torch.exp(-4 * dist) * ok * target.soft.amax(2)[..., None]
    top = metric.topk(min(topk, p), dim=2)
    chosen = torch.zeros_like(ok).scatter(2, top.indices, top.values > 0) & ok
    best, index = (metric * chosen).max(1)
    taken = best > 0
    mine = torch.zeros_like(ok).scatter(1, index[:, None], taken[:, None]) & chosen
    metric = metric * mine
    peak_metric = metric.amax(2, keepdim=True).clamp(min=1e-12)
    peak_iou = (iou * mine).amax(2, keepdim=True)
    aligned = (metric / peak_metric * peak_iou).amax(1)
    return torch.where(taken, index, -1), aligned * taken


def unjudged(cover: Tensor, target: Canvases) -> Tensor:
    """cover [B, M, P]: which objects lie over which points -> [B, P, C]: the classes that nobody judged there."""
    label = F.one_hot(target.soft.argmax(2), target.soft.shape[2]).float()  # [B, M, C]
    return torch.bmm((cover & (target.kind == UNJUDGED)[..., None]).float().mT, label) > 0


def answer_losses(
    logits: Tensor, boxes: Tensor, pts: Tensor, target: Canvases, usable: Tensor, topk: int
) -> tuple[dict[str, Tensor], Tensor]:
    """Class and box losses of points `pts` [P, 2] or [B, P, 2] with logits [B, P, C] and boxes [B, P, 4], of which those
    in `usable` [B, P] may answer; and how well each point is aligned, [B, P]."""
    b, _, c = logits.shape
    index, aligned = assign(logits.detach(), boxes.detach(), pts, target, usable, topk)
    positive = index >= 0
    owner = index.clamp(min=0)[..., None]
    soft = target.soft.gather(1, owner.expand(-1, -1, c))  # [B, P, C]
    goal = soft * aligned[..., None]
    skip = unjudged(inside(pts, target.boxes), target)
    weight = usable[..., None] * ~(skip & ~positive[..., None])
    norm = goal.amax(2).sum().clamp(min=b / 4)
    cls = (F.binary_cross_entropy_with_logits(logits, goal, reduction="none") * weight).sum() / norm
    found = target.boxes.gather(1, owner.expand(-1, -1, 4))
    found = torch.where(positive[..., None], found, boxes.detach())
    box = ((1 - giou(boxes, found)) * aligned * soft.amax(2)).sum() / norm
    return {"cls": cls, "box": box}, aligned


def losses(out: dict[str, Tensor], target: Canvases, rows: int, cols: int, topk: int = 10) -> dict[str, Tensor]:
    """Class, box, auxiliary class map and scorer losses, each a scalar."""
    logits, boxes = out["logits"].float(), out["boxes"].float()
    b, _, c = logits.shape
    pts = points(rows, cols, logits.device)
    usable = out["kept"].repeat_interleave(4, dim=1)
    result, aligned = answer_losses(logits, boxes, pts, target, usable, topk)
    centres = pts.view(-1, 4, 2).mean(1)
    cover = inside(centres, target.boxes)  # [B, M, N]
    real = ((target.kind == LABEL) | (target.kind == TEACHER))[..., None]
    where = target.soft.argmax(2)[:, None].expand(-1, rows * cols, -1)
    sure = (cover & real) * target.soft.amax(2)[..., None]
    area = torch.zeros(b, rows * cols, c, device=logits.device).scatter_reduce(2, where, sure.mT.contiguous(), "amax")
    doubt = unjudged(cover, target)
    aux = F.binary_cross_entropy_with_logits(out["aux"].float(), area, reduction="none") * ~(doubt & (area == 0))
    result["aux"] = aux.sum() / area.sum().clamp(min=float(b))
    # In the sparse mode only kept tokens can be positive, so the scorer learns from full steps alone.
    if "score" in out:
        want = torch.maximum((aligned > 0).view(b, -1, 4).any(2).float(), 0.3 * area.amax(2))
        result["scorer"] = F.binary_cross_entropy_with_logits(out["score"].float(), want) * float(out["full"])
    return result
