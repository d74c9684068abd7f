"""Whole ViTDet detectors of the Eventful Transformers, with the heads of the detectron2 that they pin."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import PIL.Image
import torch

from eventful import Backbone, tuples
from published import stub

LEVELS = ["p2", "p3", "p4", "p5", "p6"]


def build_detector(case: dict):
    stub("pycocotools.mask", "cv2", "tensorboard")
    PIL.Image.LINEAR = PIL.Image.BILINEAR  # its name until Pillow 10
    from detectron2.config import LazyConfig
    from models.vitdet import ViTDet

    config, head = case["config"], case["config"]["head"]
    with patch.object(LazyConfig, "load", lambda _path: {"model": head_config(head)}):
        return ViTDet(
            backbone_config={k: v for k, v in tuples(config["backbone"]).items() if k != "input_size"},
            classes=head["num_classes"],
            detectron2_config="",
            input_shape=config["input_shape"],
            normalize_mean=config["normalize_mean"],
            normalize_std=config["normalize_std"],
            output_channels=head["channels"],
            patch_size=config["patch_size"],
            scale_factors=config["scale_factors"],
        ).eval()


def detector_outputs(case: dict, model, given: dict[str, np.ndarray]) -> tuple[dict, dict]:
    config, head = case["config"], case["config"]["head"]
    backbone = Backbone(model.backbone, config["backbone"])
    out: dict[str, torch.Tensor] = {}
    costs = []
    for step in case["steps"]:
        frame = step["frame"]
        if "policy" in step:
            backbone.set_policy(step["policy"])
        found = run_frame(model, backbone, torch.from_numpy(given[f"frame{frame}.image"]), head["cascade"])
        for name, value in found.items():
            if name == "images":
                continue
            once = name.startswith("anchors") or name in ("preprocessed", "roi_features")
            if not once or frame == 0:
                out[name if name.startswith("anchors") else f"frame{frame}.{name}"] = value
        costs.append({"frame": frame, **backbone.cost(whole=True)})
        steady = is_steady(model, found, case["tolerance"])
        backbone.margins.append(1.0 if steady else 0.0)
    return out, {"cost": {"per_frame": costs}, "selection_margin": {"value": min(backbone.margins)}}


def is_steady(model, found: dict[str, torch.Tensor], tolerance: dict) -> bool:
    """Whether the same boxes come out where the backbone's output is slightly disturbed."""
    tokens = found["backbone_output"]
    for seed in range(3):
        noise = 1e-4 * torch.randn(tokens.shape, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            (again,) = model.post_backbone(found["images"], tokens + noise)
        if again["boxes"].shape != found["detections.boxes"].shape:
            return False
        if not torch.equal(again["labels"].to(torch.int32), found["detections.labels"]):
            return False
        if (again["boxes"] - found["detections.boxes"]).abs().max() > tolerance["boxes_abs_px"]:
            return False
    return True


def run_frame(model, backbone, image: torch.Tensor, cascade: bool) -> dict[str, torch.Tensor]:
    from detectron2.modeling.roi_heads import cascade_rcnn, fast_rcnn

    out: dict[str, torch.Tensor] = {}
    original = fast_rcnn.fast_rcnn_inference

    def inference(boxes, scores, *rest):
        out["pre_nms.boxes"], out["pre_nms.scores"] = boxes[0].clone(), scores[0].clone()
        return original(boxes, scores, *rest)

    def keep(names):
        return lambda _m, _i, output: out.update(names(output))

    rpn, heads = model.proposal_generator, model.roi_heads
    watched = [
        (model.preprocessing, lambda o: {"preprocessed": o}),
        (model.pyramid, lambda o: {f"pyramid.{level}": part for level, part in zip(LEVELS, o)}),
        (rpn.anchor_generator, lambda o: {f"anchors.{level}": part.tensor for level, part in zip(LEVELS, o)}),
        (
            rpn.rpn_head,
            lambda o: {
                f"rpn.{kind}.{level}": part
                for kind, parts in zip(("logits", "deltas"), o)
                for level, part in zip(LEVELS, parts)
            },
        ),
        (
            rpn,
            lambda o: {
                "proposals.boxes": o[0][0].proposal_boxes.tensor,
                "proposals.objectness_logits": o[0][0].objectness_logits,
            },
        ),
        (heads.box_pooler, lambda o: {"roi_features": out.get("roi_features", o)}),
    ]
    for stage in range(heads.num_cascade_stages if cascade else 1):
        prefix = f"box_head.stage{stage}" if cascade else "box_head"
        head = heads.box_head[stage] if cascade else heads.box_head
        predictor = heads.box_predictor[stage] if cascade else heads.box_predictor
        watched.append((head, lambda o, prefix=prefix: {f"{prefix}.features": o}))
        watched.append(
            (predictor, lambda o, prefix=prefix: {f"{prefix}.class_logits": o[0], f"{prefix}.box_deltas": o[1]})
        )
    hooks = [module.register_forward_hook(keep(names)) for module, names in watched]
    with (
        torch.no_grad(),
        patch.object(fast_rcnn, "fast_rcnn_inference", inference),
        patch.object(cascade_rcnn, "fast_rcnn_inference", inference),
    ):
        images, tokens = model.pre_backbone(image)
        out["images"], out["backbone_input"] = images, tokens.clone()
        seen = backbone.run(tokens)
        last = f"block{len(backbone.backbone.blocks) - 1}.output"
        out["backbone_output"] = seen.pop(last)
        out.update(seen)
        (detections,) = model.post_backbone(images, out["backbone_output"].clone())
    for hook in hooks:
        hook.remove()
    out.update({f"detections.{name}": value for name, value in detections.items()})
    out["detections.labels"] = out["detections.labels"].to(torch.int32)
    return out


def head_config(head: dict) -> dict:
    """What the authors' configs/detectron/vitdet_b_vid.py and vitdet_b_coco.py say, in the case's sizes."""
    from detectron2.config import LazyCall as L
    from detectron2.layers import ShapeSpec
    from detectron2.modeling.anchor_generator import DefaultAnchorGenerator
    from detectron2.modeling.box_regression import Box2BoxTransform
    from detectron2.modeling.matcher import Matcher
    from detectron2.modeling.poolers import ROIPooler
    from detectron2.modeling.proposal_generator import RPN, StandardRPNHead
    from detectron2.modeling.roi_heads import (
        CascadeROIHeads,
        FastRCNNConvFCHead,
        FastRCNNOutputLayers,
        StandardROIHeads,
    )

    channels, pooled = head["channels"], head["pool_output"]

    def matcher(threshold: float):
        return L(Matcher)(thresholds=[threshold], labels=[0, 1], allow_low_quality_matches=False)

    def box_head():
        return L(FastRCNNConvFCHead)(
            input_shape=ShapeSpec(channels=channels, height=pooled, width=pooled),
            conv_dims=head["box_conv_dims"],
            conv_norm=head["box_conv_norm"],
            fc_dims=head["box_fc_dims"],
        )

    def predictor(weights: list[float], num_classes: str):
        return L(FastRCNNOutputLayers)(
            input_shape=ShapeSpec(channels=head["box_fc_dims"][-1]),
            test_score_thresh=head["score_thresh"],
            test_nms_thresh=head["nms_thresh"],
            test_topk_per_image=head["topk_per_image"],
            box2box_transform=L(Box2BoxTransform)(weights=weights),
            cls_agnostic_bbox_reg=head["class_agnostic"],
            num_classes=num_classes,
        )

    common = {
        "num_classes": head["num_classes"],
        "batch_size_per_image": 128,
        "positive_fraction": 0.25,
        "box_in_features": LEVELS[:4],
        "box_pooler": L(ROIPooler)(
            output_size=pooled,
            scales=[1 / stride for stride in head["strides"][:4]],
            sampling_ratio=head["pool_sampling_ratio"],
            pooler_type="ROIAlignV2",
            canonical_box_size=head["canonical_box_size"],
            canonical_level=head["canonical_level"],
        ),
    }
    if head["cascade"]:
        roi_heads = L(CascadeROIHeads)(
            **common,
            box_heads=[box_head() for _ in head["box_weights"]],
            box_predictors=[predictor(weights, "${...num_classes}") for weights in head["box_weights"]],
            proposal_matchers=[matcher(threshold) for threshold in (0.5, 0.6, 0.7)],
        )
    else:
        roi_heads = L(StandardROIHeads)(
            **common,
            proposal_matcher=matcher(0.5),
            box_head=box_head(),
            box_predictor=predictor(head["box_weights"], "${..num_classes}"),
        )
    return {
        "proposal_generator": L(RPN)(
            in_features=LEVELS,
            head=L(StandardRPNHead)(
                in_channels=channels,
                num_anchors=len(head["aspect_ratios"]),
                conv_dims=head["rpn_conv_dims"],
            ),
            anchor_generator=L(DefaultAnchorGenerator)(
                sizes=[[size] for size in head["anchor_sizes"]],
                aspect_ratios=head["aspect_ratios"],
                strides=head["strides"],
                offset=head["anchor_offset"],
            ),
            anchor_matcher=L(Matcher)(thresholds=[0.3, 0.7], labels=[0, -1, 1], allow_low_quality_matches=True),
            box2box_transform=L(Box2BoxTransform)(weights=head["rpn_box_weights"]),
            batch_size_per_image=256,
            positive_fraction=0.5,
            pre_nms_topk=(2000, head["pre_nms_topk"]),
            post_nms_topk=(1000, head["post_nms_topk"]),
            nms_thresh=head["rpn_nms_thresh"],
        ),
        "roi_heads": roi_heads,
    }
