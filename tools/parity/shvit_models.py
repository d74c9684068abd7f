"""SHViT: its classifier, its backbone under its two necks, and its RetinaNet, run as a case's `config` says."""

from __future__ import annotations

import sys

import numpy as np
import torch
import torchvision

from cases import Watch
from published import Stub, stub

#: Of a classifier: what a case calls the outputs of modules. The first group that halves the grid, and the first block with
#: attention, are looked at from within.
MODULES = {
    "stem": "patch_embed",
    **{name: name for name in ("blocks1", "blocks2", "blocks3", "head", "head_dist")},
    **{name: name for name in ("blocks2.0", "blocks2.1", "blocks2.1.se", "blocks2.2", "blocks2.3", "blocks2.3.conv")},
    **{f"blocks2.3.mixer{part}": f"blocks2.3.mixer{part}" for part in ("", ".m", ".m.pre_norm", ".m.qkv")},
}
#: Many scores lie close to each other by nature: rounding of floats alone must not exchange them.
SLACK = 50


def build(case: dict) -> torch.nn.Module:
    """The published network that a case is of, without its weights."""
    config = case["config"]
    if "backbone" in config:
        return with_necks(config)
    if "model" in config:
        return detector(config["model"])
    from model.build import replace_batchnorm
    from model.shvit import SHViT

    fused = config.get("fused", False)
    model = SHViT(**{name: value for name, value in config.items() if name != "fused"}).eval()
    if fused:
        replace_batchnorm(model)
    return model


def downstream() -> None:
    """Registers the authors' backbone and neck with mmdet, as their training script does."""
    stub("yapf.yapflib.yapf_api", "matplotlib.pyplot", "matplotlib.patches", "matplotlib.collections", "cv2")
    stub("pycocotools.coco", "pycocotools.mask", "pycocotools.cocoeval")
    if "mmcv._ext" not in sys.modules:
        compiled = Stub("mmcv._ext")
        compiled.nms = nms
        sys.modules["mmcv._ext"] = compiled
    import efficientvit_fpn  # noqa: F401
    import shvit  # noqa: F401


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float, offset: int) -> torch.Tensor:
    """What mmcv compiles; an offset would count the sides of boxes in whole pixels."""
    assert offset == 0
    return torchvision.ops.nms(boxes, scores, iou_threshold)


def with_necks(config: dict) -> torch.nn.ModuleDict:
    """One backbone and all necks that the case has, side by side."""
    downstream()
    from efficientvit_fpn import EfficientViTFPN
    from shvit import Partial_ViT_Exp

    backbone = Partial_ViT_Exp(frozen_stages=-1, **config["backbone"])
    widths = config["backbone"]["embed_dim"]
    sizes = {name: config[name] for name in ("out_channels", "num_outs")}
    necks = {name: EfficientViTFPN(widths, **sizes, **own) for name, own in config.items() if name.startswith("neck_")}
    return still({"backbone": backbone, **necks})


def still(modules: dict[str, torch.nn.Module]) -> torch.nn.ModuleDict:
    """For evaluation; the backbone's own eval() does not give it back, so that calls cannot be chained."""
    found = torch.nn.ModuleDict(modules)
    found.eval()
    return found


def detector(config: dict) -> torch.nn.Module:
    downstream()
    from mmcv import ConfigDict
    from mmdet.models import build_detector

    model = build_detector(ConfigDict(config))
    model.eval()
    return model


def outputs(case: dict, weights: dict[str, np.ndarray], given: dict[str, np.ndarray]) -> tuple[dict, dict]:
    """All that the case's inputs give, and what goes into case.json."""
    model = build(case)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    config = case["config"]
    with torch.no_grad():
        if "backbone" in config:
            return maps(model, torch.from_numpy(given["input"])), {}
        if "model" in config:
            found, margin = detections(model, torch.from_numpy(given["input"]), config["img_meta"])
            return found, {"selection_margin": {"value": margin}}
        return logits(model, {step["input"]: torch.from_numpy(given[step["input"]]) for step in case["steps"]}), {}


def logits(model: torch.nn.Module, pictures: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    known = dict(model.named_modules())
    watch = Watch(model, {name: path for name, path in MODULES.items() if path in known})
    out: dict[str, torch.Tensor] = {}
    for name, picture in pictures.items():
        found = {"logits": model(picture), **watch.take()}
        out.update({f"{name.replace('input', 'output')}.{part}": value for part, value in found.items()})
    watch.close()
    return out


def maps(model: torch.nn.ModuleDict, picture: torch.Tensor) -> dict[str, torch.Tensor]:
    features = model["backbone"](picture)
    out = numbered("features", features)
    for name, neck in model.items():
        if name != "backbone":
            out.update(numbered(name.replace("neck", "fpn"), neck(features)))
    return out


def numbered(name: str, values) -> dict[str, torch.Tensor]:
    return {f"{name}.{i}": value for i, value in enumerate(values)}


def detections(model: torch.nn.Module, picture: torch.Tensor, meta: dict) -> tuple[dict[str, torch.Tensor], float]:
    features = model.backbone(picture)
    levels = model.neck(features)
    scores, deltas = model.bbox_head(levels)
    anchors = model.bbox_head.prior_generator.grid_priors([level.shape[-2:] for level in levels], device="cpu")
    out = {
        **numbered("features", features),
        **numbered("fpn", levels),
        **numbered("cls_score", scores),
        **numbered("bbox_pred", deltas),
        **numbered("anchors", anchors),
    }

    def boxes(**words) -> tuple[torch.Tensor, ...]:
        return model.bbox_head.get_bboxes(scores, deltas, img_metas=[meta], **words)[0]

    def keep(name: str, box: torch.Tensor, score: torch.Tensor, label: torch.Tensor) -> None:
        out.update({f"{name}.boxes": box, f"{name}.scores": score, f"{name}.labels": label.int()})

    keep("pre_nms", *boxes(with_nms=False))
    for name, rescale in (("detections", False), ("detections_rescaled", True)):
        box, label = boxes(rescale=rescale)
        keep(name, box[:, :4], box[:, 4], label)
    return out, margin(out, model.test_cfg)


def margin(out: dict[str, torch.Tensor], test) -> float:
    """How clear all choices are: which scores are high enough, their order, and which boxes cover others."""
    found = []
    for i in range(sum(name.startswith("cls_score.") for name in out)):
        score = out[f"cls_score.{i}"].sigmoid().flatten().sort(descending=True)[0]
        found.append(SLACK * gap(score[: test.nms_pre + 1]))
        found.append(float((score - test.score_thr).abs().min()) / test.score_thr)
    box, score, label = (out[f"pre_nms.{part}"] for part in ("boxes", "scores", "labels"))
    found.append(SLACK * gap(score.sort(descending=True)[0]))
    covered = torchvision.ops.box_iou(box, box)
    found.append(float((covered - test.nms.iou_threshold)[label[:, None] == label].abs().min()))
    return min(found)


def gap(ordered: torch.Tensor) -> float:
    """Smallest gap between neighbours, as a share of the largest."""
    return float(((ordered[:-1] - ordered[1:]) / ordered.max()).min()) if ordered.numel() > 1 else 1.0
