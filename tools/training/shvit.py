"""Lookout-SH: a small static rival with a SHViT backbone (Yun and Ro, CVPR 2024), a top-down neck and Lookout's head.

Backbone names follow the published ones (unfused: `c` convolution, `bn` norm, `m` inside a residual); see the paper's
section 3 for the block. Strides 16, 32 and 64; the head reads the finest map only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import CLASSES, decode, start_head


@dataclass
class Config:
    embed: tuple[int, int, int] = (96, 160, 224)
    partial: tuple[int, int, int] = (24, 40, 56)
    qk: int = 16
    depth: tuple[int, int, int] = (2, 3, 2)
    types: str = "iss"  # per stage: i without, s with attention
    neck: int = 96
    teacher_dim: int = 0  # width of the tokens that a teacher's are compared with while training
    mean: tuple[float, ...] = (0.46, 0.44, 0.41)
    std: tuple[float, ...] = (0.27, 0.265, 0.28)

    def as_dict(self) -> dict:
        return asdict(self)


class ConvNorm(nn.Sequential):
    def __init__(self, a: int, b: int, kernel: int = 1, stride: int = 1, groups: int = 1, start: float = 1.0) -> None:
        super().__init__()
        self.add_module("c", nn.Conv2d(a, b, kernel, stride, kernel // 2, groups=groups, bias=False))
        self.add_module("bn", nn.BatchNorm2d(b))
        nn.init.constant_(self.bn.weight, start)


class Residual(nn.Module):
    def __init__(self, m: nn.Module) -> None:
        super().__init__()
        self.m = m

    def forward(self, x: Tensor) -> Tensor:
        return x + self.m(x)


class Mlp(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.pw1, self.pw2 = ConvNorm(dim, 2 * dim), ConvNorm(2 * dim, dim, start=0.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.pw2(F.relu(self.pw1(x)))


class SingleHead(nn.Module):
    """Attention over the first `partial` channels; the others pass by and join before the projection."""

    def __init__(self, dim: int, partial: int, qk: int) -> None:
        super().__init__()
        self.split, self.sizes = (partial, dim - partial), (qk, qk, partial)
        self.pre_norm = nn.GroupNorm(1, partial)
        self.qkv = ConvNorm(partial, 2 * qk + partial)
        self.proj = nn.Sequential(nn.ReLU(), ConvNorm(dim, dim, start=0.0))

    def forward(self, x: Tensor) -> Tensor:
        b, _, h, w = x.shape
        mine, rest = x.split(self.split, 1)
        q, k, v = (t.flatten(2).mT for t in self.qkv(self.pre_norm(mine)).split(self.sizes, 1))  # [B, h*w, ...]
        a = (q.float() @ k.float().mT * self.sizes[0] ** -0.5).softmax(-1).to(v.dtype) @ v
        return self.proj(torch.cat([a.mT.reshape(b, -1, h, w), rest], 1))


class Block(nn.Module):
    def __init__(self, dim: int, partial: int, qk: int, kind: str) -> None:
        super().__init__()
        self.conv = Residual(ConvNorm(dim, dim, 3, groups=dim, start=0.0))
        self.mixer = Residual(SingleHead(dim, partial, qk)) if kind == "s" else nn.Identity()
        self.ffn = Residual(Mlp(dim))

    def forward(self, x: Tensor) -> Tensor:
        return self.ffn(self.mixer(self.conv(x)))


class SqueezeExcite(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        hidden = max(8, int(dim / 4 + 4) // 8 * 8)
        self.fc1, self.fc2 = nn.Conv2d(dim, hidden, 1), nn.Conv2d(hidden, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))).sigmoid()


class Merging(nn.Module):
    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = ConvNorm(a, 4 * a), ConvNorm(4 * a, 4 * a, 3, 2, groups=4 * a)
        self.se, self.conv3 = SqueezeExcite(4 * a), ConvNorm(4 * a, b)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv3(self.se(F.relu(self.conv2(F.relu(self.conv1(x))))))


def step_of(dim: int) -> nn.Sequential:
    return nn.Sequential(Residual(ConvNorm(dim, dim, 3, groups=dim)), Residual(Mlp(dim)))


class Backbone(nn.Module):
    def __init__(self, cfg: Config) -> None:
        super().__init__()
        e = cfg.embed
        widths = [3, e[0] // 8, e[0] // 4, e[0] // 2, e[0]]
        stem: list[nn.Module] = []
        for i, (a, b) in enumerate(zip(widths, widths[1:])):
            stem += [ConvNorm(a, b, 3, 2)] + ([nn.ReLU()] if i < 3 else [])
        self.patch_embed = nn.Sequential(*stem)
        for i in range(3):
            blocks = [Block(e[i], cfg.partial[i], cfg.qk, cfg.types[i]) for _ in range(cfg.depth[i])]
            opening = [step_of(e[i - 1]), Merging(e[i - 1], e[i]), step_of(e[i])] if i else []
            setattr(self, f"blocks{i + 1}", nn.Sequential(*opening, *blocks))

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.patch_embed(x)
        maps = []
        for stage in (self.blocks1, self.blocks2, self.blocks3):
            x = stage(x)
            maps.append(x)
        return maps


class ShDetector(nn.Module):
    """Same outputs as Lookout's dense mode, without a scorer."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.cfg = cfg
        n = cfg.neck
        self.backbone = Backbone(cfg)
        self.lateral = nn.ModuleList(nn.Conv2d(e, n, 1) for e in cfg.embed)
        self.smooth = ConvNorm(n, n, 3)
        self.head1 = nn.Linear(n, 2 * n)
        self.head2 = nn.Linear(2 * n, 4 * (len(CLASSES) + 4))
        self.aux = nn.Linear(n, len(CLASSES))
        self.mimic = nn.Linear(n, cfg.teacher_dim) if cfg.teacher_dim else None
        start_head(self.head2, self.aux)
        self.to(memory_format=torch.channels_last)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image [B, 3, H, W], normalised; H and W multiples of 16 (odd maps are fine)."""
        maps = [f(m) for f, m in zip(self.lateral, self.backbone(image))]
        x = maps[2]
        for finer in (maps[1], maps[0]):
            x = finer + F.interpolate(x, finer.shape[2:], mode="nearest")
        rows, cols = x.shape[2:]
        x = F.relu(self.smooth(x)).flatten(2).mT  # [B, rows*cols, neck]
        logits, boxes = decode(self.head2(F.relu(self.head1(x))).float(), rows, cols)
        kept = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        return {"logits": logits, "boxes": boxes, "kept": kept, "full": True, "aux": self.aux(x), "features": x}


def layers(model: ShDetector) -> list[tuple[str, nn.Module, bool]]:
    """Layers that are published: name, module, and whether a residual around a depthwise convolution joins it."""
    found, modules = [], dict(model.named_modules())
    for name, m in modules.items():
        if isinstance(m, ConvNorm):
            around = isinstance(modules[name.rpartition(".")[0]], Residual)
            found.append((name.removesuffix(".m") if around else name, m, around))
        elif isinstance(m, (nn.GroupNorm, nn.Linear)) or (isinstance(m, nn.Conv2d) and not name.endswith(".c")):
            if name not in ("aux", "mimic"):  # of use in training only
                found.append((name, m, False))
    return found


def fused(model: ShDetector) -> dict[str, Tensor]:
    """Weights with every norm folded into its convolution and the residual around a depthwise one at its centre."""
    out: dict[str, Tensor] = {}
    for name, m, around in layers(model):
        if isinstance(m, ConvNorm):
            gain = m.bn.weight.double() / (m.bn.running_var.double() + m.bn.eps).sqrt()
            weight, bias = m.c.weight.double() * gain[:, None, None, None], m.bn.bias.double() - m.bn.running_mean.double() * gain
            if around:
                weight[:, 0, 1, 1] += 1
        else:
            weight, bias = m.weight, m.bias
        out[f"{name}.weight"], out[f"{name}.bias"] = weight, bias
    return {k: v.detach().float().half().contiguous() for k, v in out.items()}
