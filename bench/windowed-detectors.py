"""Exports what stands behind the transformer of RF-DETR-medium or LW-DETR-medium to ONNX, with random weights.

    python windowed-detectors.py (rf-detr | lw-detr) PATH

The model is that of Hugging Face's transformers, its transformer replaced by inputs `feature_i` [1, channels, rows, cols]; outputs are
`logits` and `boxes`. Prints one line of JSON. Needs torch, transformers and onnxscript.
"""

import json
import sys
from types import SimpleNamespace

import torch
from transformers import (
    LwDetrConfig,
    LwDetrForObjectDetection,
    LwDetrViTConfig,
    RfDetrConfig,
    RfDetrDinov2Config,
    RfDetrForObjectDetection,
)

COMMON = {"decoder_n_points": 2, "num_labels": 91}


def rf_detr():
    backbone = RfDetrDinov2Config(
        hidden_size=384,
        num_attention_heads=6,
        image_size=576,
        patch_size=16,
        num_windows=2,
        out_indices=[3, 6, 9, 12],
    )
    return RfDetrForObjectDetection(RfDetrConfig(backbone_config=backbone, decoder_layers=4, **COMMON)), 576


def lw_detr():
    backbone = LwDetrViTConfig(
        image_size=1024,
        hidden_size=384,
        num_hidden_layers=10,
        window_block_indices=[0, 1, 3, 6, 7, 9],
        out_indices=[2, 4, 5, 9],
    )
    config = LwDetrConfig(backbone_config=backbone, projector_scale_factors=[1.0], **COMMON)
    return LwDetrForObjectDetection(config), 640


class GivenFeatures(torch.nn.Module):
    """In a transformer's place."""

    def forward(self, _picture):
        return SimpleNamespace(feature_maps=self.features)


class Behind(torch.nn.Module):
    def __init__(self, model, side):
        super().__init__()
        self.model = model
        self.given = model.model.backbone.backbone = GivenFeatures()
        self.side = side

    def forward(self, *features):
        self.given.features = features
        found = self.model(pixel_values=torch.zeros(1, 3, self.side, self.side))
        return found.logits, found.pred_boxes


def main():
    name, path = sys.argv[1:]
    torch.manual_seed(0)
    model, side = {"rf-detr": rf_detr, "lw-detr": lw_detr}[name]()
    features = tuple(torch.randn(1, 384, side // 16, side // 16) for _ in range(4))
    torch.onnx.export(
        Behind(model, side).eval(),
        features,
        path,
        dynamo=True,
        external_data=False,
        verbose=False,
        input_names=[f"feature_{i}" for i in range(len(features))],
        output_names=["logits", "boxes"],
    )
    print(json.dumps({"version": torch.__version__}))


if __name__ == "__main__":
    main()
