"""The optimiser: Muon (orthogonalised momentum; Jordan, 2024) for matrices of blocks and 1x1 convolutions of a backbone,
AdamW for the rest."""

from __future__ import annotations

import torch
from torch import Tensor, nn

Slice = tuple[Tensor, int, int]  # a parameter, a matrix but for axes of length one, and the range of its rows


class Muon:
    """All matrices of one shape go through one batched Newton-Schulz iteration."""

    def __init__(self, groups: list[list[Slice]], momentum: float = 0.95) -> None:
        self.groups, self.momentum = groups, momentum
        self.state = [
            torch.zeros(len(g), g[0][2] - g[0][1], g[0][0].shape[1], device=g[0][0].device) for g in groups
        ]

    @torch.no_grad()
    def step(self, rate: float, decay: float) -> None:
        for group, state in zip(self.groups, self.state):
            g = torch.stack([p.grad[a:b].flatten(1) for p, a, b in group])
            state.lerp_(g, 1 - self.momentum)
            x = g.lerp(state, self.momentum)
            tall = x.shape[1] > x.shape[2]
            x = x.mT if tall else x
            x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
            for _ in range(5):
                a = x @ x.mT
                x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
            x = x.mT if tall else x
            scale = max(1.0, x.shape[1] / x.shape[2]) ** 0.5
            rows = [p.data[a:b].flatten(1) for p, a, b in group]
            torch._foreach_mul_(rows, 1 - rate * decay)
            torch._foreach_add_(rows, list(x.unbind(0)), alpha=-rate * scale)


def slices(model: nn.Module) -> list[list[Slice]]:
    """Muon's matrices, by shape; queries, keys and values each for itself."""
    found: list[Slice] = []
    for tail in (model, getattr(model, "sparse", None)):
        for block in getattr(tail, "blocks", ()):
            d = block.proj.in_features
            found += [(block.qkv.weight, i * d, (i + 1) * d) for i in range(3)]
            found += [(w, 0, len(w)) for w in (block.proj.weight, block.fc1.weight, block.fc2.weight)]
        for layer in getattr(tail, "rest", ()):
            d = layer.in_features
            found += [(layer.weight, i * d, (i + 1) * d) for i in range(2)]
    for m in getattr(model, "backbone", nn.Identity()).modules():
        if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1) and m.bias is None:
            found.append((m.weight, 0, len(m.weight)))
    groups: dict[tuple[int, int], list[Slice]] = {}
    for p, a, b in found:
        groups.setdefault((b - a, p.shape[1]), []).append((p, a, b))
    return list(groups.values())


class Optimiser:
    """Both parts behind one step; `kind` is "muon" or "adamw" (AdamW for everything)."""

    def __init__(self, model: nn.Module, kind: str, rate: float, muon_rate: float, decay: float) -> None:
        groups = slices(model) if kind == "muon" else []
        taken = {id(s[0]) for g in groups for s in g}
        rest = [p for p in model.parameters() if id(p) not in taken]
        self.muon, self.rate, self.muon_rate = Muon(groups), rate, muon_rate
        self.adam = torch.optim.AdamW(
            [
                {"params": [p for p in rest if p.dim() > 1], "weight_decay": decay},
                {"params": [p for p in rest if p.dim() <= 1], "weight_decay": 0.0},
            ],
            lr=rate, betas=(0.9, 0.98), fused=rest[0].is_cuda,
        )  # fmt: skip

    def step(self, share: float) -> None:
        """One update at `share` of the full learning rates."""
        for group in self.adam.param_groups:
            group["lr"] = self.rate * share
        self.adam.step()
        self.muon.step(self.muon_rate * share, 0.1)

    def state(self) -> dict:
        return {"adam": self.adam.state_dict(), "muon": self.muon.state}

    def restore(self, saved: dict) -> None:
        self.adam.load_state_dict(saved["adam"])
        for mine, theirs in zip(self.muon.state, saved["muon"]):
            mine.copy_(theirs)


class Average:
    """Exponential average of the weights; batch-norm statistics are averaged too."""

    def __init__(self, model: nn.Module, averaged: nn.Module) -> None:
        pairs = [(a, b) for a, b in zip(averaged.state_dict().values(), model.state_dict().values()) if a.is_floating_point()]
        self.mine, self.theirs = map(list, zip(*pairs))

    @torch.no_grad()
    def update(self, keep: float) -> None:
        torch._foreach_lerp_(self.mine, self.theirs, 1 - keep)
