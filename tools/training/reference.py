"""Plain PyTorch reference of Lookout: loads model.json and model.safetensors beside it.

Usage: python reference.py IMAGE [--rho 0.3] [--clustered]
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor


@dataclass
class Output:
    stem: Tensor  # [B, N, D] tokens after the stem, raster order
    blocks: list[Tensor]  # [B, N, D] after each block
    scores: Tensor  # [B, N] scorer logits
    keep: Tensor | None  # [B, K] kept tokens, sparse mode only
    logits: Tensor  # [B, 4N, C]; point 4*token + 2*j + i
    boxes: Tensor  # [B, 4N, 4] xyxy in pixels


class Reference:
    def __init__(self, folder: Path) -> None:
        self.config = json.loads((folder / "model.json").read_text())
        self.w = {k: v.float() for k, v in load_file(folder / "model.safetensors").items()}

    def linear(self, name: str, x: Tensor) -> Tensor:
        return F.linear(x, self.w[f"{name}.weight"], self.w[f"{name}.bias"])

    def norm(self, name: str, x: Tensor) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self.w[f"{name}.weight"], self.w[f"{name}.bias"], 1e-5)

    def normalise(self, image: Tensor) -> Tensor:
        """[B, 3, H, W] in [0, 1], H and W multiples of 16."""
        mean, std = (torch.tensor(self.config[k]).view(1, 3, 1, 1) for k in ("mean", "std"))
        return (image - mean) / std

    def stem(self, x: Tensor) -> Tensor:
        """Normalised image [B, 3, H, W] -> tokens [B, D, H/16, W/16]."""
        x = F.pad(x, (7, 8, 7, 8))
        for i in range(4):
            x = F.conv2d(x, self.w[f"stem.{i}.weight"], self.w[f"stem.{i}.bias"], stride=2)
            if i < 3:
                x = F.relu(x)
        return x

    def rope(self, rows: int, cols: int) -> tuple[Tensor, Tensor]:
        """cos and signed sin [N, head_dim]: quarters x1 x2 y1 y2; x1 pairs with x2, y1 with y2."""
        c = self.config
        n = c["dim"] // c["heads"] // 4
        steps = torch.arange(n, dtype=torch.float64) / (n - 1)
        freq = c["rope"]["max"] * (c["rope"]["min"] / c["rope"]["max"]) ** steps
        x = torch.arange(cols, dtype=torch.float64).repeat(rows)[:, None] * freq
        y = torch.arange(rows, dtype=torch.float64).repeat_interleave(cols)[:, None] * freq
        cos = torch.cat([x.cos(), x.cos(), y.cos(), y.cos()], 1)
        sin = torch.cat([-x.sin(), x.sin(), -y.sin(), y.sin()], 1)
        return cos.float(), sin.float()

    @staticmethod
    def rotate(t: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x1, x2, y1, y2 = t.chunk(4, -1)
        return t * cos + torch.cat([x2, x1, y2, y1], -1) * sin

    def heads(self, t: Tensor) -> Tensor:
        return t.unflatten(-1, (self.config["heads"], -1)).transpose(1, 2)

    def block(
        self, name: str, x: Tensor, cos: Tensor, sin: Tensor, keep: Tensor | None, clustered: bool, rest: Tensor | None
    ) -> Tensor:
        """All tokens give keys and values; the kept ones (default all) are queries and get updated. rest [B, N, 2d]:
        keys and values of all other tokens, where they are not those of the block."""
        b, n, d = x.shape
        if keep is None:
            keep = torch.arange(n).expand(b, n)
        index = keep[:, :, None].expand(-1, -1, d)
        h = self.norm(f"{name}.norm1", x)
        q, k, v = (self.heads(t) for t in self.linear(f"{name}.attn.qkv", h).chunk(3, -1))
        if rest is not None:
            kept = torch.zeros(b, 1, n, 1, dtype=torch.bool).scatter(2, keep[:, None, :, None], True)
            k, v = (torch.where(kept, mine, self.heads(other)) for mine, other in zip((k, v), rest.chunk(2, -1)))
        q = self.rotate(q, cos, sin).gather(2, keep[:, None, :, None].expand(-1, q.shape[1], -1, q.shape[3]))
        k = self.rotate(k, cos, sin)
        if clustered:
            k, v = self.cluster(self.linear(f"{name}.attn.prob", h)[..., 0], k, v)
        weight = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1)
        y = x.gather(1, index) + self.linear(f"{name}.attn.proj", (weight @ v).transpose(1, 2).flatten(2))
        h = self.norm(f"{name}.norm2", y)
        y = y + self.linear(f"{name}.mlp.fc2", F.gelu(self.linear(f"{name}.mlp.fc1", h)))
        return x.scatter(1, index, y)

    def cluster(self, logit: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Runs of raster-ordered keys and values become entropy-weighted means (batch of one)."""
        n, sigma = logit.shape[1], self.config["cluster"]["sigma"]
        p = logit.softmax(-1) + 1e-8
        taps = torch.arange(-(3 * sigma - 1), 3 * sigma).float()
        kernel = torch.exp(-taps.square() / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))
        before = (len(taps) - 1) // 2
        entropy = F.conv1d(F.pad(-p * p.log2(), (before, len(taps) - 1 - before))[:, None], kernel[None, None])
        bend = F.conv1d(entropy, torch.tensor([[[-1.0, 2.0, -1.0]]]), padding=1)[:, 0] > 0
        regions = 1 + (bend[:, 1:] != bend[:, :-1]).sum(1)
        run = max(1, round((n / regions).mean().item()))
        first, count = n % run // 2, n // run
        span = slice(first, first + count * run)
        weight = entropy[:, 0, span].view(-1, 1, count, run).softmax(-1)[..., None]
        return tuple((t[:, :, span].unflatten(2, (count, run)) * weight).sum(3) for t in (k, v))

    @torch.no_grad()
    def __call__(self, image: Tensor, rho: float | None = None, clustered: bool = False) -> Output:
        """image [B, 3, H, W] in [0, 1]; rho None is the dense mode."""
        rows, cols = image.shape[2] // 16, image.shape[3] // 16
        cos, sin = self.rope(rows, cols)
        x = stem = self.stem(self.normalise(image)).flatten(2).transpose(1, 2)
        blocks, keep, own = [], None, ""
        for i in range(self.config["depth"]):
            if i == self.config["scorer"]["after_blocks"]:
                scores = self.linear("scorer.fc2", F.gelu(self.linear("scorer.fc1", x)))[..., 0]
                if rho is not None:
                    keep = scores.topk(max(1, math.ceil(rho * rows * cols)), 1).indices
                    own = "sparse." if rho <= self.config["scorer"].get("own_blocks_up_to", 0) else ""
                before = F.layer_norm(x, x.shape[-1:])
            rest = self.linear(f"sparse.rest.{i}", before) if own else None
            x = self.block(f"{own}blocks.{i}", x, cos, sin, keep, clustered, rest)
            blocks.append(x)
        z = self.norm(f"{own}norm", x)
        out = self.linear(f"{own}head.fc2", F.gelu(self.linear(f"{own}head.fc1", z)))
        logits, boxes = self.decode(out, rows, cols)
        return Output(stem, blocks, scores, keep, logits, boxes)

    def decode(self, out: Tensor, rows: int, cols: int) -> tuple[Tensor, Tensor]:
        """Each token: four points in the order (top left, top right, bottom left, bottom right)."""
        c = len(self.config["classes"])
        out = out.unflatten(-1, (4, c + 4)).flatten(1, 2)
        y, x, j, i = torch.meshgrid(*(torch.arange(n) for n in (rows, cols, 2, 2)), indexing="ij")
        point = torch.stack([x * 16 + i * 8 + 4, y * 16 + j * 8 + 4], -1).reshape(-1, 2).float()
        ltrb = 8 * out[..., c:].clamp(-4, 5).exp()
        return out[..., :c], torch.cat([point - ltrb[..., :2], point + ltrb[..., 2:]], -1)

    def detect(self, image: Tensor, rho: float | None = None, clustered: bool = False, score: float = 0.25) -> list:
        """image [1, 3, H, W] in [0, 1] -> (class name, score, [x0, y0, x1, y1]), best first."""
        from torchvision.ops import batched_nms

        pad = (0, -image.shape[3] % 16, 0, -image.shape[2] % 16)
        o = self(F.pad(image, pad, value=114 / 255), rho, clustered)
        prob = o.logits[0].sigmoid()
        if o.keep is not None:  # only kept tokens emit detections
            dropped = torch.ones(prob.shape[0] // 4, dtype=torch.bool).scatter(0, o.keep[0], False)
            prob[dropped.repeat_interleave(4)] = 0
        point, label = (prob > score).nonzero(as_tuple=True)
        s, b = prob[point, label], o.boxes[0][point]
        best = batched_nms(b, s, label, self.config["nms"]["iou"])[: self.config["nms"]["max"]]
        return [(self.config["classes"][label[i]], s[i].item(), b[i].tolist()) for i in best]


def main() -> None:
    from torchvision.io import ImageReadMode, read_image

    parser = argparse.ArgumentParser()
    parser.add_argument("image")
    parser.add_argument("--rho", type=float)
    parser.add_argument("--clustered", action="store_true")
    args = parser.parse_args()
    image = read_image(args.image, ImageReadMode.RGB)[None].float() / 255
    for name, score, box in Reference(Path(__file__).parent).detect(image, args.rho, args.clustered):
        print(f"{name} {score:.2f} {[round(v) for v in box]}")


if __name__ == "__main__":
    main()
