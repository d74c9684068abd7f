"""Write model.safetensors, model.json and parity.safetensors from a training checkpoint."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

import shvit
from data import read_images
from evaluate import MAX_DET, load_model
from model import CLASSES, Detector
from published import tensors

NMS_IOU, SCORE = 0.5, 0.3  # best mAP50 and F1 on the held-out images


def config(model: Detector, extra: dict) -> dict:
    c = model.cfg
    return {
        "format": "token-local detector, version 1",
        "classes": list(CLASSES),
        "input": "RGB in [0, 1]; height and width padded right and bottom with 114/255 to multiples of 16; then (x - mean) / std",
        "mean": list(c.mean), "std": list(c.std),
        "dim": c.dim, "depth": c.depth, "heads": c.heads, "mlp_ratio": c.mlp,
        "patch": 16, "window": 31,
        "stem": {
            "widths": [3, *c.stem, c.dim], "kernel": 3, "stride": 2,
            "padding": {"left": 7, "top": 7, "right": 8, "bottom": 8, "value": "0 after normalisation, once before the first convolution"},
            "activation": "relu after the first three convolutions, none after the fourth",
            "note": "token (i, j) reads padded pixels [16i, 16i+31) x [16j, 16j+31)",
        },
        "block": "x += proj(attention(norm1(x))); x += fc2(gelu(fc1(norm2(x)))); gelu is the erf form; layer norm eps 1e-5; qkv rows are q, k, v, each heads x head_dim; scale 1/sqrt(head_dim)",
        "rope": {
            "max": c.rope_max, "min": c.rope_min,
            "layout": "head_dim is split in quarters x1 x2 y1 y2 of n = head_dim/4; freq[i] = max * (min/max)^(i/(n-1)); angle_x = column * freq, angle_y = row * freq; (x1, x2) -> (x1 cos - x2 sin, x2 cos + x1 sin), likewise y; applied to q and k",
        },
        "head": {
            "layers": "final norm, fc1, gelu, fc2",
            "layout": "per token 4 points (top left, top right, bottom left, bottom right), each [20 class logits, l, t, r, b]",
            "decode": "point x = 16*column + 8*i + 4, y = 16*row + 8*j + 4; distance = 8 * exp(clamp(v, -4, 5)) pixels; box = (x - l, y - t, x + r, y + b); score = sigmoid(logit)",
        },
        "nms": {"iou": NMS_IOU, "per_class": True, "max": MAX_DET, "score": SCORE},
        "scorer": {
            "after_blocks": c.scorer_after, "width": c.scorer_width, "layers": "fc1, gelu, fc2 on the raw tokens after block 0 (no norm)",
            "own_blocks_up_to": c.sparse_up_to,
            "sparse": "keep = ceil(rho * tokens) tokens of highest score; in the remaining blocks only they are queries and are updated; keys and values come from all tokens; only kept tokens emit detections; at rho <= own_blocks_up_to the remaining blocks, final norm and head are those named sparse.*, and the other tokens' keys and values in block i are sparse.rest.i of the tokens that the scorer read, layer-normalised without weights",
        },
        "cluster": {"sigma": c.sigma, "method": "reference.py, Reference.cluster; optional mode of every block"},
        **extra,
    }  # fmt: skip


def rival_config(model: shvit.ShDetector, extra: dict) -> dict:
    c = model.cfg
    return {
        "format": "SHViT detector, version 1",
        "classes": list(CLASSES), "mean": list(c.mean), "std": list(c.std),
        "embed_dim": list(c.embed), "partial_dim": list(c.partial), "qk_dim": c.qk, "depth": list(c.depth),
        "types": list(c.types), "neck": c.neck,
        "layers": "backbone as published, norms fused; lateral.0-2: 1x1 on strides 16, 32, 64; top-down sum, nearest; smooth: 3x3, relu; head1 (relu) and head2 per cell; decoding as Lookout's",
        "nms": {"iou": NMS_IOU, "per_class": True, "max": MAX_DET, "score": SCORE},
        **extra,
    }  # fmt: skip


ROWS = 16  # of tokens inside the network every 16th is stored: attention makes each of them depend on all
POINTS = 4  # of a token, each with logits and a box


def parity(reference: Callable, photos: list[np.ndarray]) -> dict[str, Tensor]:
    """Inputs at two sizes, cut from the photos with the surest detections, and what the model makes of them."""
    out: dict[str, Tensor] = {}
    for name, (h, w) in {"a": (192, 256), "b": (160, 320)}.items():
        cuts = [torch.from_numpy(p[:h, :w]).permute(2, 0, 1)[None].float() / 255 for p in photos]
        image = max(cuts, key=lambda cut: reference(cut).logits.max().item())
        modes = {"dense": {}, "sparse": {"rho": 0.3}, "sparse_low": {"rho": 0.1}, "clustered": {"clustered": True}}
        for mode, args in modes.items():
            o = reference(image, **args)
            if mode == "dense":
                pixels = (255 * image).round().to(torch.uint8)
                out |= {f"{name}.input": pixels, f"{name}.stem": o.stem[:, ::ROWS], f"{name}.scores": o.scores}
                out |= {f"{name}.block.{i}": t[:, ::ROWS] for i, t in enumerate(o.blocks)}
            else:
                out[f"{name}.{mode}.last"] = o.blocks[-1][:, ::ROWS]
            answers = {"logits": o.logits, "boxes": o.boxes}
            if o.keep is not None:  # the other tokens' answers mean nothing
                kept = o.keep.flatten()
                out[f"{name}.{mode}.keep"] = o.keep.int()
                answers = {part: t.unflatten(1, (-1, POINTS))[:, kept].flatten(1, 2) for part, t in answers.items()}
            out |= {f"{name}.{mode}.{part}": t for part, t in answers.items()}
    return {k: v.contiguous().clone() for k, v in out.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="for the parity inputs; without it none are written")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--extra", type=Path, help="JSON merged into model.json: provenance, accuracy")
    parser.add_argument("--sigma", type=float, help="smoothing of the clustered mode, if not the trained one")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    model = load_model(args.checkpoint, sigma=args.sigma)
    extra = json.loads(args.extra.read_text()) if args.extra else {}
    rival = isinstance(model, shvit.ShDetector)
    save_file(shvit.fused(model) if rival else tensors(model), args.out / "model.safetensors")
    settings = rival_config(model, extra) if rival else config(model, extra)
    (args.out / "model.json").write_text(json.dumps(settings, indent=2) + "\n")
    if rival or not args.data:
        return
    shutil.copy(Path(__file__).with_name("reference.py"), args.out / "reference.py")
    sys.path.insert(0, str(args.out))
    from reference import Reference

    images = read_images(args.data)
    names = sorted(n for n in images if n.startswith("v07_"))
    photos = [p for p in (images[n] for n in names) if p.shape[1] >= 320 and p.shape[0] >= 192][:40]
    save_file(parity(Reference(args.out), photos), args.out / "parity.safetensors")


if __name__ == "__main__":
    main()
