"""Models of Hugging Face's transformers as small as they can be and still do all that the real ones do."""

from __future__ import annotations

from dataclasses import dataclass, field

from transformers import (
    ConditionalDetrConfig,
    DeformableDetrConfig,
    DetrConfig,
    LwDetrConfig,
    LwDetrViTConfig,
    ResNetConfig,
    RfDetrConfig,
    RfDetrDinov2Config,
    VitDetConfig,
    YolosConfig,
)


@dataclass
class HfCase:
    model: str
    """Class of transformers."""
    config: object
    images: dict[str, list[tuple[int, int]]]
    """Height and width of every picture of every batch."""
    modules: dict[str, str]
    """Name in the case -> path of the module whose output it is."""
    results: list[str] = field(default_factory=list)
    """Fields of the model's output."""
    processor: str | None = None
    """Class of transformers; without one, pictures are only scaled and normalised."""
    size: dict[str, int] | None = None
    pad: bool = True
    rules: list = field(default_factory=list)
    """Means and deviations of weights by the ends of their names."""
    omit: list[str] = field(default_factory=list)
    """Tensors that prove what others prove already."""
    pixels_of: str | None = None
    """Another case with the same pictures and processor, whose pixel values are not stored again."""
    notes: str = ""


def each(count: int, name: str, path: str) -> dict[str, str]:
    return {f"{name}.{i}": f"{path}.{i}" for i in range(count)}


def labels(count: int) -> dict[str, dict]:
    return {"id2label": {i: f"class{i}" for i in range(count)}, "label2id": {f"class{i}": i for i in range(count)}}


EMBEDDINGS = [("position_embeddings", 0.0, 0.5), ("cls_token", 0.0, 0.5), ("detection_tokens", 0.0, 0.5)]
#: Sigmoid heads begin low, as after training, so that some scores are above the threshold and some below.
DEFORMABLE = [("sampling_offsets.bias", 0.0, 1.2), ("query_feat.weight", 0.0, 1.0), ("level_embed", 0.0, 1.0)]
SCORES = [("reference_point_embed.weight", 0.0, 0.3), ("refpoint_embed.weight", 0.0, 0.3)]
GAMMAS = [("lambda1", 0.7, 0.15), ("gamma_1", 0.7, 0.15), ("gamma_2", 0.7, 0.15)]


def yolos(mid: bool) -> HfCase:
    depth = 3
    return HfCase(
        model="YolosForObjectDetection",
        processor="YolosImageProcessor",
        size={"shortest_edge": 32, "longest_edge": 64},
        config=YolosConfig(
            hidden_size=24,
            num_hidden_layers=depth,
            num_attention_heads=3,
            intermediate_size=32,
            image_size=[32, 48],
            patch_size=8,
            num_detection_tokens=6,
            use_mid_position_embeddings=mid,
            **labels(5),
        ),
        images={"A": [(32, 48)], "B": [(66, 40)]},
        modules={
            "embeddings": "vit.embeddings",
            **each(depth, "block", "vit.encoder.layer"),
            "layernorm": "vit.layernorm",
        },
        results=["logits", "pred_boxes"],
        rules=EMBEDDINGS,
        pixels_of="yolos" if mid else None,
        notes="A has the size of the position table; B is resized and cut by the processor, and its positions are interpolated.",
    )


def rf_detr_backbone_config(**changes) -> RfDetrDinov2Config:
    return RfDetrDinov2Config(
        **{
            "hidden_size": 24,
            "num_hidden_layers": 4,
            "num_attention_heads": 3,
            "mlp_ratio": 2,
            "image_size": 24,
            "patch_size": 4,
            "num_windows": 2,
            "out_indices": [1, 3],
            **changes,
        }
    )


def rf_detr() -> HfCase:
    backbone = "model.backbone.backbone"
    return HfCase(
        model="RfDetrForObjectDetection",
        processor="RfDetrImageProcessor",
        size={"height": 16, "width": 16},
        config=RfDetrConfig(
            backbone_config=rf_detr_backbone_config(),
            d_model=16,
            decoder_layers=2,
            decoder_self_attention_heads=4,
            decoder_cross_attention_heads=4,
            decoder_ffn_dim=20,
            decoder_n_points=2,
            num_queries=7,
            group_detr=2,
            c2f_num_blocks=2,
            num_feature_levels=1,
            **labels(6),
        ),
        images={"A": [(16, 16)], "B": [(30, 40)]},
        modules={
            "embeddings": f"{backbone}.embeddings",
            **each(4, "block", f"{backbone}.encoder.layer"),
            "projector": "model.backbone.projector",
            **selection("model"),
            **each(2, "dec", "model.decoder.layers"),
        },
        results=[*TWO_STAGE_RESULTS, "logits", "pred_boxes"],
        rules=[*EMBEDDINGS, *DEFORMABLE, *SCORES, *GAMMAS],
        notes="B is stretched to the same square by the processor, without antialias.",
    )


def rf_detr_backbone() -> HfCase:
    return HfCase(
        model="RfDetrDinov2Backbone",
        config=rf_detr_backbone_config(),
        images={"A": [(16, 16)], "B": [(32, 32)], "C": [(24, 24)], "D": [(16, 32)]},
        modules={"embeddings": "embeddings", **each(4, "block", "encoder.layer")},
        results=["feature_maps"],
        rules=[*EMBEDDINGS, *GAMMAS],
        notes="A is smaller than the position table, B larger, C equal, D not square.",
    )


def lw_detr() -> HfCase:
    backbone = "model.backbone.backbone"
    return HfCase(
        model="LwDetrForObjectDetection",
        processor="DeformableDetrImageProcessor",
        size={"height": 32, "width": 48},
        pad=False,
        config=LwDetrConfig(
            backbone_config=LwDetrViTConfig(
                hidden_size=24,
                num_hidden_layers=4,
                num_attention_heads=2,
                mlp_ratio=2,
                image_size=48,
                pretrain_image_size=32,
                patch_size=8,
                num_windows=4,
                window_block_indices=[0, 2],
                out_indices=[2, 4],
            ),
            projector_scale_factors=[2.0, 0.5],
            d_model=16,
            decoder_layers=2,
            decoder_self_attention_heads=4,
            decoder_cross_attention_heads=2,
            decoder_ffn_dim=20,
            decoder_n_points=2,
            num_queries=7,
            group_detr=2,
            c2f_num_blocks=1,
            **labels(6),
        ),
        images={"A": [(32, 48)], "B": [(45, 60)]},
        modules={
            "embeddings": f"{backbone}.embeddings",
            **each(4, "block", f"{backbone}.encoder.layer"),
            **each(2, "projector", "model.backbone.projector.scale_layers"),
            **selection("model"),
            **each(2, "dec", "model.decoder.layers"),
        },
        results=[*TWO_STAGE_RESULTS, "logits", "pred_boxes"],
        rules=[*EMBEDDINGS, *DEFORMABLE, *SCORES, *GAMMAS],
        notes="Windowed and global blocks, two levels (scales 2 and 0.5), selection of proposals.",
    )


def rf_detr_variant() -> HfCase:
    case = rf_detr()
    case.config = RfDetrConfig(
        backbone_config=rf_detr_backbone_config(
            num_windows=3, use_swiglu_ffn=True, apply_layernorm=False, qkv_bias=False, out_indices=[0, 2, 4]
        ),
        d_model=16,
        decoder_layers=3,
        decoder_self_attention_heads=2,
        decoder_cross_attention_heads=4,
        decoder_ffn_dim=20,
        decoder_n_points=3,
        decoder_activation_function="gelu",
        activation_function="relu",
        attention_bias=False,
        num_queries=11,
        group_detr=1,
        hidden_expansion=0.75,
        c2f_num_blocks=1,
        layer_norm_eps=1e-3,
        **labels(5),
    )
    case.size = {"shortest_edge": 24, "longest_edge": 48}
    case.images = {"A": [(24, 48), (24, 36)]}
    case.modules.update(each(3, "dec", "model.decoder.layers"))
    case.notes = "A padded batch of two that is not square, three windows a side, gated MLPs, no norm of features, the stem as a feature."
    return case


def lw_detr_variant() -> HfCase:
    case = lw_detr()
    case.config = LwDetrConfig(
        backbone_config=LwDetrViTConfig(
            hidden_size=24,
            num_hidden_layers=3,
            num_attention_heads=3,
            mlp_ratio=2,
            image_size=54,
            pretrain_image_size=48,
            patch_size=8,
            num_windows=9,
            window_block_indices=[1, 2],
            out_indices=[1, 2],
            hidden_act="relu",
            qkv_bias=False,
        ),
        projector_scale_factors=[1.0, 0.5, 2.0],
        d_model=16,
        decoder_layers=1,
        decoder_self_attention_heads=4,
        decoder_cross_attention_heads=2,
        decoder_ffn_dim=20,
        decoder_n_points=2,
        activation_function="gelu",
        decoder_activation_function="silu",
        batch_norm_eps=1e-3,
        num_queries=9,
        group_detr=2,
        c2f_num_blocks=0,
        **labels(5),
    )
    case.size, case.pad = {"shortest_edge": 24, "longest_edge": 48}, True
    case.images = {"A": [(24, 48), (24, 32)]}
    case.modules.pop("block.3")
    case.modules.pop("dec.1")
    case.modules.update(each(3, "projector", "model.backbone.projector.scale_layers"))
    case.notes = "A padded batch of two, nine windows, three scales, a projector without bottlenecks, other activations."
    return case


TWO_STAGE_RESULTS = ["init_reference_points", "enc_outputs_coord_logits", "intermediate_hidden_states"]


def selection(model: str) -> dict[str, str]:
    """The first stage; its class head runs again on the selected queries (`enc_class#1`)."""
    return {
        "enc_output_norm": f"{model}.enc_output_norm.0",
        "enc_class": f"{model}.enc_out_class_embed.0",
        "enc_bbox": f"{model}.enc_out_bbox_embed.0",
        "query_pos": f"{model}.decoder.ref_point_head",
    }


def vitdet() -> HfCase:
    return HfCase(
        model="VitDetBackbone",
        config=VitDetConfig(
            hidden_size=24,
            num_hidden_layers=4,
            num_attention_heads=3,
            mlp_ratio=2,
            image_size=48,
            pretrain_image_size=32,
            patch_size=8,
            window_block_indices=[0, 2],
            residual_block_indices=[1, 3],
            window_size=3,
            use_absolute_position_embeddings=True,
            use_relative_position_embeddings=True,
            out_indices=[2, 4],
        ),
        images={"A": [(48, 48)], "B": [(32, 56)]},
        modules={"embeddings": "embeddings", **each(4, "block", "encoder.layer")},
        results=["feature_maps"],
        rules=[*EMBEDDINGS, ("rel_pos_h", 0.0, 0.3), ("rel_pos_w", 0.0, 0.3)],
        notes="B needs padding inside windows and resized relative tables.",
    )


def resnet(stages: list[int]) -> ResNetConfig:
    return ResNetConfig(
        embedding_size=6,
        hidden_sizes=[8, 12, 16, 20],
        depths=[1, 1, 1, 1],
        layer_type="bottleneck",
        out_indices=stages,
    )


#: A batch of two, each of which the other's size makes to be padded, and one picture that is resized.
BATCHES = {"A": [(48, 84), (60, 48)], "B": [(56, 88)]}
DETR_SIZE = {"shortest_edge": 48, "longest_edge": 96}
DETR = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 20,
    "num_queries": 9,
    "use_timm_backbone": False,
    "use_pretrained_backbone": False,
    "backbone": None,
}


def detr(name: str, config, model: str, rules: list) -> HfCase:
    return HfCase(
        model=model,
        processor=f"{name}ImageProcessor",
        size=DETR_SIZE,
        config=config,
        images=BATCHES,
        modules={
            "input_projection": "model.input_projection",
            **each(2, "enc", "model.encoder.layers"),
            **each(2, "dec", "model.decoder.layers"),
        },
        results=["last_hidden_state", "logits", "pred_boxes"],
        rules=[("query_position_embeddings.weight", 0.0, 2.0), *rules],
        pixels_of=None if name == "Detr" else "detr",
        notes="A is a padded batch of two.",
    )


def deformable_detr(two_stage: bool) -> HfCase:
    first_stage = ["enc_outputs_class", "enc_outputs_coord_logits"] if two_stage else []
    return HfCase(
        model="DeformableDetrForObjectDetection",
        processor="DeformableDetrImageProcessor",
        size=DETR_SIZE,
        config=DeformableDetrConfig(
            **DETR,
            backbone_config=resnet([2, 3, 4]),
            encoder_n_points=2,
            decoder_n_points=2,
            num_feature_levels=4,
            with_box_refine=two_stage,
            two_stage=two_stage,
            two_stage_num_proposals=9,
            disable_custom_kernels=True,
            **labels(12),
        ),
        images=BATCHES,
        modules={
            "input_projection": "model.input_proj.0",
            **each(2, "enc", "model.encoder.layers"),
            **each(2, "dec", "model.decoder.layers"),
        },
        results=["intermediate_reference_points", "init_reference_points", *first_stage, "logits", "pred_boxes"],
        rules=[*DEFORMABLE, ("query_position_embeddings.weight", 0.0, 1.0)],
        pixels_of="detr",
        omit=["B.enc.0", "B.input_projection"] + (["A.enc.0", "B.enc_outputs_coord_logits"] if two_stage else []),
        notes="Two stages with refinement." if two_stage else "One stage without refinement; heads are shared.",
    )


def detr_variant() -> HfCase:
    case = detr(
        "Detr",
        DetrConfig(
            **{**DETR, "encoder_attention_heads": 2, "decoder_layers": 3},
            auxiliary_loss=True,
            position_embedding_type="learned",
            activation_function="gelu",
            dilation=True,
            backbone_config=ResNetConfig(
                embedding_size=6,
                hidden_sizes=[8, 12, 16],
                depths=[1, 2, 1],
                layer_type="basic",
                hidden_act="silu",
                downsample_in_first_stage=True,
                out_features=["stage2"],
            ),
            **labels(5),
        ),
        "DetrForObjectDetection",
        [("embeddings.weight", 0.0, 1.0)],
    )
    case.images = {"A": [(48, 84), (60, 48)]}
    case.pixels_of = "detr"
    case.modules.update(each(3, "dec", "model.decoder.layers"))
    case.notes = "Norms between the decoder's layers, learned positions, other activations, a backbone of basic blocks used in part."
    return case


def deformable_detr_refined() -> HfCase:
    case = deformable_detr(two_stage=False)
    case.config = DeformableDetrConfig(
        **{**DETR, "encoder_attention_heads": 2, "decoder_layers": 3},
        backbone_config=resnet([2, 4]),
        encoder_n_points=3,
        decoder_n_points=2,
        num_feature_levels=3,
        with_box_refine=True,
        disable_custom_kernels=True,
        **labels(5),
    )
    case.images = {"A": [(48, 84), (60, 48)]}
    case.modules.update(each(3, "dec", "model.decoder.layers"))
    case.notes = "Refinement without two stages: box heads of their own, one class head for all layers."
    return case


CASES = {
    "yolos": lambda: yolos(mid=False),
    "yolos-mid": lambda: yolos(mid=True),
    "rf-detr": rf_detr,
    "rf-detr-backbone": rf_detr_backbone,
    "rf-detr-variant": rf_detr_variant,
    "lw-detr": lw_detr,
    "lw-detr-variant": lw_detr_variant,
    "vitdet": vitdet,
    "detr": lambda: detr(
        "Detr",
        DetrConfig(**DETR, backbone_config=resnet([4]), **labels(12)),
        "DetrForObjectDetection",
        [],
    ),
    "conditional-detr": lambda: detr(
        "ConditionalDetr",
        ConditionalDetrConfig(**DETR, backbone_config=resnet([4]), **labels(12)),
        "ConditionalDetrForObjectDetection",
        [],
    ),
    "detr-variant": detr_variant,
    "deformable-detr": lambda: deformable_detr(two_stage=False),
    "deformable-detr-refined": deformable_detr_refined,
    "deformable-detr-two-stage": lambda: deformable_detr(two_stage=True),
}
