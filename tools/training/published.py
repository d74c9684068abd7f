"""Published weights: their names, batch normalisation folded into the stem; and the way back to a network."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from model import PAD_AFTER, PAD_BEFORE, Config, Detector, Stem, Tail


def modules(model: Detector) -> dict[str, nn.Module]:
    """Every layer behind the stem under its published name."""
    named = {"scorer.fc1": model.scorer1, "scorer.fc2": model.scorer2, **tail_modules(model, 0)}
    if model.sparse:
        own = tail_modules(model.sparse, model.cfg.scorer_after)
        named |= {f"sparse.{k}": m for k, m in own.items() if not k.endswith(".prob")}  # it does not cluster
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


def load_published(folder: Path, sigma: float | None = None) -> Detector:
    """The network of a folder with model.json and model.safetensors, for evaluation or to go on from.

    Its batch normalisation does nothing, as it was folded away: call `spread_norms` before training the stem. The
    auxiliary class map is not published and starts untrained. sigma: instead of the published smoothing."""
    c = json.loads((folder / "model.json").read_text())
    cfg = Config(
        dim=c["dim"], depth=c["depth"], heads=c["heads"], mlp=c["mlp_ratio"], stem=tuple(c["stem"]["widths"][1:-1]),
        rope_max=c["rope"]["max"], rope_min=c["rope"]["min"], scorer_after=c["scorer"]["after_blocks"],
        scorer_width=c["scorer"].get("width", 64), sparse_up_to=c["scorer"].get("own_blocks_up_to", 0.0),
        sigma=sigma or c["cluster"]["sigma"], mean=tuple(c["mean"]), std=tuple(c["std"]),
    )  # fmt: skip
    model, saved = Detector(cfg), load_file(folder / "model.safetensors")
    with torch.no_grad():
        for name, m in modules(model).items():
            m.weight.copy_(saved[f"{name}.weight"]), m.bias.copy_(saved[f"{name}.bias"])
        for i, conv in enumerate(model.stem.convs):
            conv.weight.copy_(saved[f"stem.{i}.weight"])
            (conv if conv.bias is not None else model.stem.norms[i]).bias.copy_(saved[f"stem.{i}.bias"])
        for n in model.stem.norms:
            n.running_var.fill_(1 - n.eps)
    return model.eval()


@torch.no_grad()
def spread_norms(stem: Stem, images: Tensor) -> None:
    """Gives folded normalisation the statistics it meets on normalised `images` [B, 3, H, W]; what the stem computes
    stays as it was. Leaves the stem in evaluation mode."""
    stem.eval()
    x = F.pad(images, (PAD_BEFORE, PAD_AFTER, PAD_BEFORE, PAD_AFTER))
    for conv, norm in zip(stem.convs, stem.norms):
        x = conv(x)
        var, mean = torch.var_mean(x, (0, 2, 3), correction=0)
        norm.running_mean.copy_(mean), norm.running_var.copy_(var)
        norm.weight.copy_((var + norm.eps).sqrt()), norm.bias.add_(mean)
        x = F.relu(norm(x))
