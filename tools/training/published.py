"""Published weights: their names, batch normalisation folded into convolutions; and the way back to a network."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import shvit
from model import Config, Detector, Tail
from shvit import ConvNorm, ShDetector


def modules(model: Detector) -> dict[str, nn.Module]:
    """Every layer behind the stem under its published name."""
    named = {"scorer.fc1": model.scorer1, "scorer.fc2": model.scorer2, **tail_modules(model, 0)}
    if model.sparse:
        own = tail_modules(model.sparse, model.cfg.scorer_after)
        named |= {f"sparse.{k}": m for k, m in own.items() if not k.endswith(".prob")}  # it does not cluster
        named |= {f"sparse.rest.{i}": m for i, m in enumerate(model.sparse.rest, model.cfg.scorer_after)}
    return named


def tail_modules(tail: Tail, first: int) -> dict[str, nn.Module]:
    named: dict[str, nn.Module] = {"norm": tail.norm, "head.fc1": tail.head1, "head.fc2": tail.head2}
    for i, b in enumerate(tail.blocks, first):
        named |= {
            f"blocks.{i}.norm1": b.norm1, f"blocks.{i}.attn.qkv": b.qkv, f"blocks.{i}.attn.proj": b.proj,
            f"blocks.{i}.attn.prob": b.prob, f"blocks.{i}.norm2": b.norm2,
            f"blocks.{i}.mlp.fc1": b.fc1, f"blocks.{i}.mlp.fc2": b.fc2,
        }  # fmt: skip
    return named


def tensors(model: Detector) -> dict[str, Tensor]:
    """Weights under their published names, in half precision, batch normalisation folded into the stem."""
    out: dict[str, Tensor] = {}
    for i, conv in enumerate(model.stem.convs):
        weight, bias = conv.weight.double(), conv.bias
        if i < 3:
            n = model.stem.norms[i]
            gain = n.weight.double() / (n.running_var.double() + n.eps).sqrt()
            weight, bias = weight * gain[:, None, None, None], n.bias.double() - n.running_mean.double() * gain
        out[f"stem.{i}.weight"], out[f"stem.{i}.bias"] = weight, bias
    for name, m in modules(model).items():
        out[f"{name}.weight"], out[f"{name}.bias"] = m.weight, m.bias
    return {k: v.detach().float().half().contiguous() for k, v in out.items()}


def load_published(folder: Path, sigma: float | None = None) -> Detector | ShDetector:
    """The network of a folder with model.json and model.safetensors, for evaluation or to go on from.

    Its batch normalisation does nothing, as it was folded away: call `spread_norms` before training. What serves
    training only (the auxiliary class map, the map to a teacher's tokens) is not published and starts untrained.
    sigma: smoothing of Lookout's clustered mode instead of the published one."""
    c, saved = json.loads((folder / "model.json").read_text()), load_file(folder / "model.safetensors")
    rival = c["format"].startswith("SHViT")
    return (rival_from(c, saved) if rival else lookout_from(c, saved, sigma)).eval()


def lookout_from(c: dict, saved: dict[str, Tensor], sigma: float | None) -> Detector:
    cfg = Config(
        dim=c["dim"], depth=c["depth"], heads=c["heads"], mlp=c["mlp_ratio"], stem=tuple(c["stem"]["widths"][1:-1]),
        rope_max=c["rope"]["max"], rope_min=c["rope"]["min"], scorer_after=c["scorer"]["after_blocks"],
        scorer_width=c["scorer"].get("width", 64), sparse_up_to=c["scorer"].get("own_blocks_up_to", 0.0),
        sigma=sigma or c["cluster"]["sigma"], mean=tuple(c["mean"]), std=tuple(c["std"]),
    )  # fmt: skip
    model = Detector(cfg)
    with torch.no_grad():
        for name, m in modules(model).items():
            m.weight.copy_(saved[f"{name}.weight"]), m.bias.copy_(saved[f"{name}.bias"])
        for i, conv in enumerate(model.stem.convs):
            conv.weight.copy_(saved[f"stem.{i}.weight"])
            (conv if conv.bias is not None else model.stem.norms[i]).bias.copy_(saved[f"stem.{i}.bias"])
        for n in model.stem.norms:
            n.running_var.fill_(1 - n.eps)
    return model


def rival_from(c: dict, saved: dict[str, Tensor]) -> ShDetector:
    model = ShDetector(shvit.Config(
        embed=tuple(c["embed_dim"]), partial=tuple(c["partial_dim"]), qk=c["qk_dim"], depth=tuple(c["depth"]),
        types="".join(c["types"]), neck=c["neck"], mean=tuple(c["mean"]), std=tuple(c["std"]),
    ))  # fmt: skip
    with torch.no_grad():
        for name, m, around in shvit.layers(model):
            weight, bias = saved[f"{name}.weight"].float(), saved[f"{name}.bias"]
            if not isinstance(m, ConvNorm):
                m.weight.copy_(weight), m.bias.copy_(bias)
                continue
            if around:
                weight[:, 0, 1, 1] -= 1
            m.c.weight.copy_(weight), m.bn.bias.copy_(bias)
            m.bn.weight.fill_(1), m.bn.running_var.fill_(1 - m.bn.eps)
    return model


@torch.no_grad()
def spread_norms(model: Detector | ShDetector, images: Tensor) -> None:
    """Gives folded normalisation the statistics it meets on normalised `images` [B, 3, H, W]; what the network computes
    stays as it was. Leaves it in evaluation mode."""
    if isinstance(model, ShDetector):
        pairs = [(m.c, m.bn) for m in model.modules() if isinstance(m, ConvNorm)]
    else:
        pairs = list(zip(model.stem.convs, model.stem.norms))

    def spread(norm: nn.BatchNorm2d, x: Tensor) -> None:
        var, mean = torch.var_mean(x, (0, 2, 3), correction=0)
        norm.running_mean.copy_(mean), norm.running_var.copy_(var)
        norm.bias.add_(mean * norm.weight), norm.weight.mul_((var + norm.eps).sqrt())

    hooks = [conv.register_forward_hook(lambda _, __, x, norm=norm: spread(norm, x)) for conv, norm in pairs]
    model.eval()(images)
    for hook in hooks:
        hook.remove()
