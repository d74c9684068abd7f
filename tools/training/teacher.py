"""The teacher: a published detector whose outputs (never its weights) complete and soften the labels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import torch
from onnx.utils import Extractor
from torch import Tensor

from data import COCO_IDS, DOUBTFUL, Sample

PROBABILITIES, BOXES = "/postprocessor/Sigmoid_output_0", "/postprocessor/Concat_output_0"


class Teacher:
    """DEIMv2 from its ONNX file, up to where its post-processing begins to pick; one picture at a time, as larger
    batches are slower on a CPU and take more memory."""

    def __init__(self, path: Path) -> None:
        model = onnx.shape_inference.infer_shapes(onnx.load(path))
        part = Extractor(model).extract_model(["images"], [PROBABILITIES, BOXES])
        options = onnxruntime.SessionOptions()
        options.enable_cpu_mem_arena = False
        self.session = onnxruntime.InferenceSession(part.SerializeToString(), options, onnxruntime.get_available_providers())
        self.side = self.session.get_inputs()[0].shape[2]

    def __call__(self, image: np.ndarray) -> tuple[Tensor, Tensor]:
        """RGB uint8 image -> boxes [Q, 4] xyxy in its pixels, class probabilities [Q, C]; the aspect is ignored, as in
        its publication."""
        h, w = image.shape[:2]
        pixels = cv2.resize(image, (self.side, self.side)).transpose(2, 0, 1)[None].astype(np.float32) / 255
        prob, boxes = self.session.run([PROBABILITIES, BOXES], {"images": pixels})
        return torch.from_numpy(boxes[0]) * torch.tensor([w, h, w, h]), torch.from_numpy(prob[0][:, list(COCO_IDS)])


def look(teacher: Teacher, samples: list[Sample]) -> dict[str, tuple[Tensor, Tensor]]:
    """Per name the boxes (pixels of the picture) and class probabilities above DOUBTFUL."""
    found = {}
    for i, s in enumerate(samples):
        boxes, prob = teacher(s.image)
        keep = prob.amax(1) > DOUBTFUL
        found[s.name] = boxes[keep], prob[keep]
        if i % 1000 == 999:
            print(f"{i + 1} of {len(samples)} pictures", flush=True)
    return found
