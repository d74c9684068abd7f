"""Sparse DETR's own networks, run as a case's `config` says."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
import torch
import torchvision

from published import narrowed, stub
from tiny_resnet import backbone_of

#: Scores whose order is part of the result, and how much closer they may be than other choices.
SLACK = {"prop.score": 1, "token.score": 5, "post.scores": 10}


def build(case: dict):
    """The published model that a case is of, without its weights."""
    stub("matplotlib.pyplot", "matplotlib.patches", "pycocotools", "pycocotools.mask", "panopticapi", "panopticapi.utils")
    stub("MultiScaleDeformableAttention")
    torchvision.__version__ = "9.9"  # the authors read a number off its first three characters
    from models.backbone import BackboneBase, FrozenBatchNorm2d, Joiner
    from models.deformable_detr import DeformableDETR
    from models.deformable_transformer import build_deforamble_transformer
    from models.ops.modules import MSDeformAttn
    from models.position_encoding import PositionEmbeddingSine

    config = case["config"]
    args = Namespace(dropout=0.0, **config)
    backbone = backbone_of(config, BackboneBase, FrozenBatchNorm2d, (2, 3, 4))
    transformer = build_deforamble_transformer(args)
    # The authors' function has the 128 of d_model 256 in it.
    narrow = narrowed(type(transformer).get_proposal_pos_embed, config["hidden_dim"] // 2)
    transformer.get_proposal_pos_embed = narrow.__get__(transformer)
    joined = Joiner(backbone, PositionEmbeddingSine(config["hidden_dim"] // 2, normalize=True))
    model = DeformableDETR(
        joined,
        transformer,
        num_classes=config["num_classes"],
        num_queries=config["num_queries"],
        num_feature_levels=config["num_feature_levels"],
        aux_loss=True,
        with_box_refine=config["with_box_refine"],
        two_stage=config["two_stage"],
        args=args,
    ).eval()
    for module in model.modules():
        if isinstance(module, MSDeformAttn):
            module.python_ops_for_test = True
    return model


def outputs(case: dict, weights: dict[str, np.ndarray], given: dict[str, np.ndarray]) -> tuple[dict, dict]:
    """All that the case's inputs give, and what goes into case.json."""
    model = build(case)
    own = model.state_dict()  # a case may share the weights of one that has more of them
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items() if name in own})
    out: dict[str, torch.Tensor] = {}
    margins = []
    for key, stated in case["config"]["inputs"].items():
        found = run(model, torch.from_numpy(given[f"{key}.input"]), stated)
        # Many scores lie close to each other by nature: rounding of floats alone must not exchange them.
        margins += [SLACK[name] * margin(found, name) for name in SLACK if name in found]
        found.pop("prop.score", None)
        out.update({f"{key}.{name}": value for name, value in found.items()})
    return out, {"selection_margin": {"value": min(margins)}}


def run(model, pictures: torch.Tensor, stated: dict) -> dict[str, torch.Tensor]:
    from models.deformable_detr import PostProcess
    from util.dam import attn_map_to_flat_grid
    from util.misc import NestedTensor

    out: dict[str, torch.Tensor] = {}
    mask = torch.ones(pictures.shape[0], *pictures.shape[2:], dtype=torch.bool)
    for i, (height, width) in enumerate(stated["images_hw"]):
        mask[i, :height, :width] = False
    out["input_mask"] = mask.to(torch.uint8)
    transformer = model.transformer
    hooks = [
        model.backbone[0].register_forward_hook(
            lambda _m, _i, maps: out.update({f"backbone.{name}": part.tensors for name, part in maps.items()})
        ),
        transformer.encoder.register_forward_pre_hook(lambda _m, i, words: out.update(before_encoder(i, words)), with_kwargs=True),
        transformer.decoder.register_forward_pre_hook(lambda _m, i, words: out.update(before_decoder(i, words)), with_kwargs=True),
    ]
    for i, layer in enumerate(transformer.encoder.layers):
        if i > 0:
            hooks.append(
                layer.register_forward_pre_hook(lambda _m, inputs, i=i: out.update({f"enc.{i - 1}.memory": inputs[0]}))
            )
    if transformer.enc_mask_predictor is not None:
        hooks.append(
            transformer.enc_mask_predictor.register_forward_hook(
                lambda _m, inputs, score: out.update({"token.memory": inputs[0], "token.score_raw": score[..., 0]})
            )
        )
    original = {name: getattr(transformer, name) for name in ("gen_encoder_output_proposals", "get_proposal_pos_embed")}

    def propose(*args, **words):
        memory, proposals, counts = original["gen_encoder_output_proposals"](*args, **words)
        out["prop.output_memory"], out["prop.output_proposals"] = memory, proposals
        if transformer.rho:
            out["token.valid_token_nums"] = counts
        return memory, proposals, counts

    def embed(proposals):
        out["prop.pos_embed"] = original["get_proposal_pos_embed"](proposals)
        return out["prop.pos_embed"]

    transformer.gen_encoder_output_proposals, transformer.get_proposal_pos_embed = propose, embed
    # What the transformer gives beside what the model gives.
    hooks.append(transformer.register_forward_hook(lambda _m, _i, ret: out.update(after_transformer(ret))))
    with torch.no_grad():
        result = model(NestedTensor(pictures, mask))
    for hook in hooks:
        hook.remove()
    transformer.gen_encoder_output_proposals = original["gen_encoder_output_proposals"]
    transformer.get_proposal_pos_embed = original["get_proposal_pos_embed"]
    out["pred_logits"], out["pred_boxes"] = result["pred_logits"], result["pred_boxes"]
    layers = [*result["aux_outputs"], result]
    out["all_logits"] = torch.stack([layer["pred_logits"] for layer in layers])
    out["all_boxes"] = torch.stack([layer["pred_boxes"] for layer in layers])
    out["mask_flatten"] = result["mask_flatten"].to(torch.uint8)
    grid = attn_map_to_flat_grid(
        result["spatial_shapes"],
        result["level_start_index"],
        result["sampling_locations_dec"],
        result["attn_weights_dec"],
    )
    out["dam.sum"] = grid.sum((1, 2))
    if "enc_outputs" in result:
        out["prop.logits"], out["prop.boxes"] = result["enc_outputs"]["pred_logits"], result["enc_outputs"]["pred_boxes"]
        score = out["prop.logits"].max(-1)[0] if transformer.eff_specific_head else out["prop.logits"][..., 0]
        out["prop.score"] = score.topk(out["prop.topk_inds"].shape[1] + 1, dim=1)[0]
    if "target_sizes" in stated:
        sizes = torch.tensor(stated["target_sizes"])
        found = PostProcess()(result, sizes)
        out["target_sizes"] = sizes
        out.update({f"post.{part}": torch.stack([picture[part] for picture in found]) for part in ("scores", "labels", "boxes")})
    if transformer.rho:
        out["token.score"] = result["backbone_mask_prediction"]
        out["token.topk_inds"] = result["backbone_topk_proposals"]
        out["token.keep_nums"] = result["sparse_token_nums"].to(torch.int64)
    return out


def before_encoder(inputs, words) -> dict[str, torch.Tensor]:
    return {
        "src_flatten": inputs[0].clone(),
        "spatial_shapes": inputs[1],
        "valid_ratios": inputs[3],
        "lvl_pos_embed_flatten": words["pos"],
    }


def before_decoder(inputs, words) -> dict[str, torch.Tensor]:
    chosen = {} if words["topk_inds"] is None else {"prop.topk_inds": words["topk_inds"]}
    return {"dec.tgt": inputs[0], "memory": words["src"], "dec.query_pos": words["query_pos"], **chosen}


def after_transformer(ret) -> dict[str, torch.Tensor]:
    return {
        "dec.hs": ret[0],
        "dec.inter_references": ret[2],
        "enc.sampling_locations": ret[8],
        "enc.attn_weights": ret[9],
        "dec.sampling_locations": ret[10],
        "dec.attn_weights": ret[11],
    }


def margin(found: dict[str, torch.Tensor], name: str) -> float:
    """Smallest relative gap between scores whose order is part of the result."""
    values = found[name]
    if name == "token.score":
        # Padded tokens all have the lowest score of the batch: one of them stands for all.
        padded = found["mask_flatten"].bool()
        real = [torch.cat([scores[~own], scores[own][:1]]) for scores, own in zip(values, padded)]
        return min(
            gap(scores.sort(descending=True)[0][: keep + 1]) for scores, keep in zip(real, found["token.keep_nums"])
        )
    return min(gap(scores) for scores in values)


def gap(ordered: torch.Tensor) -> float:
    if ordered.numel() < 2:
        return 1.0
    return float(((ordered[:-1] - ordered[1:]) / ordered.abs().max()).min())
