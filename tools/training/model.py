"""Lookout: a strided stem, plain pre-LN attention blocks and a head per token.

Every operation except self-attention reads one token (or one 31x31 pixel window), so a caller may recompute only the
tokens whose pixels changed. `reference.py` is the same network over the exported weights.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASSES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "boat", "bird", "cat",
    "dog", "horse", "sheep", "cow", "bottle", "chair", "couch", "potted plant", "dining table", "tv",
)  # fmt: skip
PATCH = 16  # pixels per token along each axis
POINT = 8  # pixels per prediction point along each axis
PAD_BEFORE, PAD_AFTER = 7, 8


@dataclass
class Config:
    dim: int = 160
    depth: int = 6
    heads: int = 4
    mlp: int = 4
    stem: tuple[int, ...] = (32, 64, 128)
    rope_max: float = 1.5  # radians per token of the fastest rotation
    rope_min: float = 0.05  # radians per token of the slowest rotation
    scorer_after: int = 1  # the scorer reads the tokens after this many blocks
    scorer_width: int = 64  # of its hidden layer
    sparse_up_to: float = 0.0  # up to this keep ratio the sparse mode has blocks and a head of its own behind the scorer
    sigma: float = 1  # smoothing of the entropy that sets the cluster length
    mean: tuple[float, ...] = (0.46, 0.44, 0.41)
    std: tuple[float, ...] = (0.27, 0.265, 0.28)
    neighbours: bool = True  # start the heads as soft neighbour look-ups
    drop_path: float = 0.0  # of the last block; earlier blocks less

    def as_dict(self) -> dict:
        return asdict(self)


def frequencies(cfg: Config) -> Tensor:
    n = cfg.dim // cfg.heads // 4
    i = torch.arange(n, dtype=torch.float64)
    return cfg.rope_max * (cfg.rope_min / cfg.rope_max) ** (i / (n - 1))


def rope_table(cfg: Config, rows: int, cols: int) -> tuple[Tensor, Tensor]:
    """cos and signed sin, [rows*cols, head_dim]; layout x1 x2 y1 y2, each head_dim/4 wide."""
    freq = frequencies(cfg)
    x = torch.arange(cols, dtype=torch.float64).repeat(rows)[:, None] * freq
    y = torch.arange(rows, dtype=torch.float64).repeat_interleave(cols)[:, None] * freq
    cos = torch.cat([x.cos(), x.cos(), y.cos(), y.cos()], 1)
    sin = torch.cat([-x.sin(), x.sin(), -y.sin(), y.sin()], 1)
    return cos.float(), sin.float()


def rotate(t: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """t [B, heads, N, head_dim]; pairs (x1, x2) and (y1, y2) turn by the token's column and row."""
    n = t.shape[-1] // 4
    swapped = t.unflatten(-1, (2, 2, n)).flip(-2).flatten(-3)
    return t * cos + swapped * sin


@torch.autocast("cuda", enabled=False)
def cluster(prob: Tensor, keys: Tensor, values: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """Entropy-weighted means of runs of raster-ordered keys and values (the ENACT method).

    prob [B, N] logits; keys (already rotated) and values [B, heads, N, head_dim]. One run length for the batch: the
    mean length over which the smoothed entropy keeps the sign of its curvature.
    """
    b, n = prob.shape
    p = prob.float().softmax(-1) + 1e-8
    taps = torch.arange(-(3 * sigma - 1), 3 * sigma, dtype=p.dtype, device=p.device)
    kernel = torch.exp(-taps.square() / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))
    before = (len(taps) - 1) // 2
    entropy = F.conv1d(F.pad(-p * p.log2(), (before, len(taps) - 1 - before))[:, None], kernel[None, None])
    bend = F.conv1d(entropy, entropy.new_tensor([[[-1.0, 2.0, -1.0]]]), padding=1)[:, 0] > 0
    regions = (bend[:, 1:] != bend[:, :-1]).sum(1) + 1
    run = max(1, round((n / regions).mean().item()))
    first, count = n % run // 2, n // run
    span = slice(first, first + count * run)
    weight = entropy[:, 0, span].view(b, 1, count, run).softmax(-1)[..., None]
    keys = (keys.float()[:, :, span].unflatten(2, (count, run)) * weight).sum(3)
    values = (values.float()[:, :, span].unflatten(2, (count, run)) * weight).sum(3)
    return keys, values


class Stem(nn.Module):
    """Four 3x3 stride-2 convolutions without padding over an image padded once."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        widths = (3, *cfg.stem, cfg.dim)
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, bias=i == 3) for i, (a, b) in enumerate(zip(widths, widths[1:]))
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for b in cfg.stem)

    def forward(self, image: Tensor) -> Tensor:
        x = F.pad(image, (PAD_BEFORE, PAD_AFTER, PAD_BEFORE, PAD_AFTER))
        for conv, norm in zip(self.convs, self.norms):
            x = F.relu(norm(conv(x)))
        return self.convs[3](x)


class Block(nn.Module):
    def __init__(self, cfg: Config, index: int) -> None:
        super().__init__()
        d = cfg.dim
        self.heads, self.sigma = cfg.heads, cfg.sigma
        self.drop = cfg.drop_path * index / max(1, cfg.depth - 1)
        self.norm1 = nn.LayerNorm(d)
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)
        self.prob = nn.Linear(d, 1)  # used by the clustered mode only
        self.norm2 = nn.LayerNorm(d)
        self.fc1 = nn.Linear(d, cfg.mlp * d)
        self.fc2 = nn.Linear(cfg.mlp * d, d)
        for m in (self.qkv, self.proj, self.fc1, self.fc2):
            nn.init.trunc_normal_(m.weight, std=0.5 / math.sqrt(d))
            nn.init.zeros_(m.bias)
        for m in (self.proj, self.fc2):
            m.weight.data.mul_(1 / math.sqrt(cfg.depth))
        nn.init.zeros_(self.prob.bias)
        if cfg.neighbours:
            self._start_as_neighbours(cfg, index)

    def _start_as_neighbours(self, cfg: Config, index: int) -> None:
        """Constant query and key vectors make the rotary score a function of the offset alone; each head's peaks at
        one neighbour, further away in deeper blocks."""
        d, hd = cfg.dim, cfg.dim // cfg.heads
        n, freq = hd // 4, frequencies(cfg).float()
        gain = math.sqrt(4.0 * math.sqrt(hd) / (2 * n))
        ring = 1 + index // 2
        for h in range(cfg.heads):
            angle = 2 * math.pi * (h + 0.5 * (index % 2)) / cfg.heads
            q, k = torch.zeros(hd), torch.zeros(hd)
            for offset, base in ((ring * math.cos(angle), 0), (ring * math.sin(angle), 2 * n)):
                k[base : base + n] = gain
                q[base : base + n] = gain * torch.cos(freq * offset)
                q[base + n : base + 2 * n] = gain * torch.sin(freq * offset)
            self.qkv.bias.data[h * hd : (h + 1) * hd] = q
            self.qkv.bias.data[d + h * hd : d + (h + 1) * hd] = k

    def branch(self, x: Tensor, y: Tensor) -> Tensor:
        """x + y, where some samples of the batch skip y while training (stochastic depth)."""
        if not self.training or self.drop == 0:
            return x + y
        stay = (torch.rand(len(y), 1, 1, device=y.device) >= self.drop).to(y.dtype) / (1 - self.drop)
        return x + y * stay

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, keep: Tensor | None = None, clustered: bool = False,
        old: tuple[Tensor, Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """x [B, N, d]. keep [B, K]: the tokens that are queries and get updated (None: all). old: a mask [B, N] of
        fresh tokens and the keys and values that all others take. Returns the tokens, keys (rotated) and values."""
        b, n, d = x.shape
        h = self.norm1(x)
        q, k, v = self.qkv(h).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if old is not None:
            fresh = old[0][:, None, :, None]
            k, v = torch.where(fresh, k, old[1].to(k.dtype)), torch.where(fresh, v, old[2].to(v.dtype))
        keys, values = cluster(self.prob(h).squeeze(-1), k, v, self.sigma) if clustered else (k, v)
        y = x
        if keep is not None:
            index = keep[:, :, None].expand(-1, -1, d)
            y = x.gather(1, index)
            q = q.gather(2, keep[:, None, :, None].expand(-1, self.heads, -1, q.shape[3]))
        a = F.scaled_dot_product_attention(q.to(v.dtype), keys.to(v.dtype), values.to(v.dtype))
        y = self.branch(y, self.proj(a.transpose(1, 2).flatten(2)))
        y = self.branch(y, self.fc2(F.gelu(self.fc1(self.norm2(y)))))
        return (y if keep is None else x.scatter(1, index, y.to(x.dtype))), k, v


class Tail(nn.Module):
    """Blocks `first` to the last and the head behind them."""

    def __init__(self, cfg: Config, first: int) -> None:
        super().__init__()
        d = cfg.dim
        self.blocks = nn.ModuleList(Block(cfg, i) for i in range(first, cfg.depth))
        self.norm = nn.LayerNorm(d)
        self.head1 = nn.Linear(d, 2 * d)
        self.head2 = nn.Linear(2 * d, 4 * (len(CLASSES) + 4))

    def head(self, z: Tensor) -> Tensor:
        """Normed tokens [..., d] -> per token 4 points of class logits and distances [..., 4*(C+4)]."""
        return self.head2(F.gelu(self.head1(z)))


class SparseTail(Tail):
    """What the sparse mode has behind the scorer for itself. There the tokens that are not kept never change, so every
    block makes their keys and values from what the scorer read, by a map of its own."""

    def __init__(self, cfg: Config) -> None:
        super().__init__(cfg, cfg.scorer_after)
        self.rest = nn.ModuleList(nn.Linear(cfg.dim, 2 * cfg.dim) for _ in self.blocks)

    def rest_memory(self, x: Tensor, cos: Tensor, sin: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Tokens [B, n, d] as the scorer reads them, and the turns of their places -> for every block their keys
        (rotated) and values [B, heads, n, head_dim]."""
        z, heads = F.layer_norm(x, x.shape[2:]), self.blocks[0].heads
        pairs = (layer(z).unflatten(2, (2, heads, -1)).permute(2, 0, 3, 1, 4) for layer in self.rest)
        return [(rotate(k, cos, sin), v) for k, v in pairs]


class Detector(Tail):
    def __init__(self, cfg: Config) -> None:
        super().__init__(cfg, 0)
        self.cfg = cfg
        d = cfg.dim
        self.stem = Stem(cfg).to(memory_format=torch.channels_last)
        self.scorer1 = nn.Linear(d, cfg.scorer_width)
        self.scorer2 = nn.Linear(cfg.scorer_width, 1)
        self.sparse = SparseTail(cfg) if cfg.sparse_up_to else None
        self.aux = nn.Linear(d, len(CLASSES))  # training only: which classes cover the token
        start_head(self.head2, self.aux)
        self.tables: dict[tuple, tuple[Tensor, Tensor]] = {}

    def table(self, rows: int, cols: int, device: torch.device) -> tuple[Tensor, Tensor]:
        key = rows, cols, device
        if key not in self.tables:
            self.tables[key] = tuple(t.to(device) for t in rope_table(self.cfg, rows, cols))
        return self.tables[key]

    def forward(
        self, image: Tensor, rho: float | None = None, clustered: bool = False,
        stale: tuple[Tensor, Tensor] | None = None,
    ) -> dict[str, Tensor]:  # fmt: skip
        """image [B, 3, H, W], normalised. rho: share of tokens kept after the scorer; None: all. clustered: attend to
        clusters of keys and values. stale: an earlier frame like `image` and the mask [B, N] of tokens that are
        fresh; all others offer the keys and values they had in the earlier frame."""
        old = [None] * self.cfg.depth
        if stale is not None:
            with torch.no_grad():
                past = self.attend(stale[0])[3]
            old = [(stale[1], k, v) for k, v in past]
        x, score, keep, _ = self.attend(image, rho, clustered, old)
        tail = self.sparse_tail(rho) or self
        z = tail.norm(x)
        rows, cols = image.shape[2] // PATCH, image.shape[3] // PATCH
        logits, boxes = decode(tail.head(z).float(), rows, cols)
        kept = torch.ones(score.shape, dtype=torch.bool, device=score.device)
        if keep is not None:
            kept = torch.zeros_like(kept).scatter(1, keep, True)
        return {
            "logits": logits, "boxes": boxes, "score": score, "kept": kept, "full": keep is None, "aux": self.aux(z),
        }  # fmt: skip

    def embed(self, image: Tensor) -> Tensor:
        """image [B, 3, H, W], normalised -> tokens [B, N, d] before the first block."""
        return self.stem(image).flatten(2).transpose(1, 2).contiguous().float()

    def sparse_tail(self, rho: float | None) -> SparseTail | None:
        """What stands behind the scorer at this keep ratio, if not the shared blocks and head."""
        return self.sparse if rho is not None and rho <= self.cfg.sparse_up_to else None

    def score(self, x: Tensor) -> Tensor:
        """Tokens [..., d] after `scorer_after` blocks -> the scorer's logits [...]."""
        return self.scorer2(F.gelu(self.scorer1(x))).squeeze(-1)

    def dense_tokens(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """image [B, 3, H, W], normalised -> tokens [B, N, d] as the scorer reads them, and behind the last block of the
        dense mode."""
        cos, sin = self.table(image.shape[2] // PATCH, image.shape[3] // PATCH, image.device)
        x = read = self.embed(image)
        for i, block in enumerate(self.blocks, 1):
            x = block(x, cos, sin)[0]
            read = x if i == self.cfg.scorer_after else read
        return read, x

    def attend(self, image: Tensor, rho: float | None = None, clustered: bool = False, old: list | None = None) -> tuple:
        """Tokens after the last block, scorer logits, kept tokens, and every block's keys and values."""
        cos, sin = self.table(image.shape[2] // PATCH, image.shape[3] // PATCH, image.device)
        x = self.embed(image)
        keep, score, memory = None, None, []
        own = self.sparse_tail(rho)
        blocks = [*self.blocks[: self.cfg.scorer_after], *own.blocks] if own else self.blocks
        for i, block in enumerate(blocks):
            if i == self.cfg.scorer_after:
                score = self.score(x)
                if rho is not None:
                    keep = score.topk(max(1, math.ceil(rho * x.shape[1])), dim=1).indices
                if own:
                    kept = torch.zeros(score.shape, dtype=torch.bool, device=x.device).scatter(1, keep, True)
                    old = [None] * i + [(kept, k, v) for k, v in own.rest_memory(x, cos, sin)]
            x, k, v = block(x, cos, sin, keep, clustered, old[i] if old else None)
            memory.append((k, v))
        return x, score, keep, memory


def start_head(head: nn.Module, aux: nn.Module) -> None:
    """Start with rare objects of about 80 pixels."""
    nn.init.trunc_normal_(head.weight, std=0.02)
    with torch.no_grad():
        bias = head.bias.view(4, len(CLASSES) + 4)
        bias[:, : len(CLASSES)] = -4.6
        bias[:, len(CLASSES) :] = 1.6
        aux.bias.fill_(-3.0)


@cache
def points(rows: int, cols: int, device: torch.device | str = "cpu") -> Tensor:
    """Prediction points in head order (token by token, then 2x2 inside), [rows*cols*4, 2] as x, y in pixels."""
    y, x, j, i = torch.meshgrid(*(torch.arange(n, device=device) for n in (rows, cols, 2, 2)), indexing="ij")
    return torch.stack([x * PATCH + (i + 0.5) * POINT, y * PATCH + (j + 0.5) * POINT], -1).reshape(-1, 2).float()


def decode(out: Tensor, rows: int, cols: int) -> tuple[Tensor, Tensor]:
    """out [B, N, 4*(C+4)] of all tokens -> logits [B, 4N, C], boxes xyxy in pixels [B, 4N, 4]."""
    return decode_points(out, points(rows, cols, out.device))


def decode_points(out: Tensor, pts: Tensor) -> tuple[Tensor, Tensor]:
    """out [B, K, 4*(C+4)] of tokens whose points are pts [4K, 2] or [B, 4K, 2] -> logits [B, 4K, C], boxes [B, 4K, 4]."""
    c = len(CLASSES)
    out = out.reshape(out.shape[0], -1, c + 4)
    logits, dist = out[..., :c], POINT * out[..., c:].clamp(-4, 5).exp()
    return logits, torch.cat([pts - dist[..., :2], pts + dist[..., 2:]], -1)
