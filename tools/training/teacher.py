"""The teacher: a published detector whose outputs (never its weights) complete and soften the labels.

`prepare.py` runs it once over all training pictures; during training it also judges the very canvases the student
sees, so that crops and mosaics get targets that fit them (Beyer et al., "A good teacher is patient and consistent",
CVPR 2022).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from data import COCO_IDS, DOUBTFUL, Sample, constant

PROBABILITIES, BOXES = "/postprocessor/Sigmoid_output_0", "/postprocessor/Concat_output_0"
KEPT = 48  # detections per picture handed on
CHUNK = 64  # pictures per recorded pass


class Teacher:
    """DEIMv2 from its ONNX file, in batches, on any device."""

    def __init__(self, path: Path, device: str, half: bool = False) -> None:
        from onnx_torch import OnnxGraph

        self.dtype = torch.float16 if half else torch.float32
        self.graph = OnnxGraph(path, [PROBABILITIES, BOXES], device, self.dtype)
        self.classes = torch.tensor(COCO_IDS, device=device)
        self.side = 320 if "atto" in path.name else 416
        self.replay: tuple | None = None

    @torch.no_grad()
    def raw(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images [B, 3, side, side] in [0, 1] -> boxes [B, Q, 4] in [0, 1], probabilities [B, Q, C]."""
        prob, boxes = self.graph(images=images.to(self.dtype))
        return boxes.float(), prob[..., self.classes].float()

    @torch.no_grad()
    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images [B, 3, H, W] in [0, 255] -> the best KEPT boxes [B, K, 4] in pixels, probabilities [B, K, C]."""
        h, w = images.shape[2:]
        x = F.interpolate(images, (self.side, self.side), mode="bilinear", antialias=max(h, w) > self.side) / 255
        parts = [self.replayed(c) if x.is_cuda else self.raw(c) for c in x.split(CHUNK)]
        boxes, prob = (torch.cat(p) for p in zip(*parts))
        pick = prob.amax(2).topk(KEPT, dim=1).indices[..., None]
        boxes = boxes.gather(1, pick.expand(-1, -1, 4)) * constant((w, h, w, h), boxes.device)
        return boxes, prob.gather(1, pick.expand(-1, -1, prob.shape[2]))

    def replayed(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same kernels as `raw` on up to CHUNK pictures, launched as one recorded CUDA graph."""
        if self.replay is None:
            held, stream = torch.zeros(CHUNK, *x.shape[1:], device=x.device), torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                self.raw(held)
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                result = self.raw(held)
            self.replay = graph, held, result
        graph, held, result = self.replay
        held[: len(x)] = x
        graph.replay()
        return result[0][: len(x)].clone(), result[1][: len(x)].clone()


def look(teacher: Teacher, samples: list[Sample], device: str) -> dict[str, tuple[Tensor, Tensor]]:
    """Per name the boxes (pixels of the picture) and class probabilities above DOUBTFUL."""
    found = {}
    with ThreadPoolExecutor() as pool:
        for i in range(0, len(samples), CHUNK):
            part = samples[i : i + CHUNK]
            images = torch.stack(list(pool.map(lambda s: squash(s.image, teacher.side), part))).to(device).float() / 255
            boxes, prob = (teacher.replayed if images.is_cuda else teacher.raw)(images)
            for s, b, p in zip(part, boxes.cpu(), prob.cpu()):
                h, w = s.image.shape[:2]
                keep = p.amax(1) > DOUBTFUL
                found[s.name] = (b[keep] * torch.tensor([w, h, w, h]), p[keep])
    return found


def squash(image: np.ndarray, side: int) -> Tensor:
    """The teacher's input: uint8 [3, side, side], the aspect ignored as in its publication."""
    return torch.from_numpy(cv2.resize(image, (side, side)).transpose(2, 0, 1).copy())
