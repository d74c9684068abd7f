"""Photographs, video frames and their labels; what the teacher adds; one table of objects per image.

An object is a box with a vector of class probabilities (`soft`): labels give (nearly) one-hot vectors, the teacher's
detections give its own probabilities. `kind` is 0 for padding, 1 for a label, 2 for a region not judged
("difficult"), 3 for a detection of the teacher that no label covers.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from model import CLASSES

cv2.setNumThreads(1)

ALIASES = {
    "aeroplane": "airplane", "motorbike": "motorcycle", "sofa": "couch", "pottedplant": "potted plant",
    "diningtable": "dining table", "tvmonitor": "tv",
}  # fmt: skip
COCO_IDS = (0, 1, 2, 3, 4, 5, 6, 8, 14, 15, 16, 17, 18, 19, 39, 56, 57, 58, 60, 62)  # of CLASSES, in COCO's 80
TRAIN_VIDEOS = ("car-detection.mp4", "bottle-detection.mp4")
NONE, LABEL, UNJUDGED, TEACHER = range(4)
SIDE = 320  # longest side of a stored image, pixels
OBJECTS = 64  # objects per image or canvas at most
DOUBTFUL = 0.2  # teacher detections below this are dropped
TRUST = 0.4  # share of the teacher's opinion in a label's class vector
BALANCE = (1.8, 2.5, 2.2, 2.5, 1.8, 2.5, 2.0, 2.2, 1.6, 1.0, 1.0, 1.0, 1.0, 1.0, 2.2, 1.8, 1.8, 2.0, 1.8, 2.0)


@dataclass
class Sample:
    name: str
    image: np.ndarray  # RGB uint8, at most SIDE on the long side for training images
    boxes: np.ndarray  # [n, 4] xyxy, pixels
    labels: np.ndarray  # [n] index into CLASSES
    ignore: np.ndarray  # [n] bool: neither right nor wrong to find


def read_images(data_dir: Path) -> dict[str, np.ndarray]:
    """Every image of images-*.tar as RGB, in archive order."""
    files = {}
    for path in sorted(data_dir.glob("images-*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                if member.isfile():
                    files[Path(member.name).name] = tar.extractfile(member).read()
    with ThreadPoolExecutor() as pool:
        return dict(zip(files, pool.map(decode_rgb, files.values())))


def decode_rgb(file: bytes) -> np.ndarray:
    bgr = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    return np.ascontiguousarray(bgr[:, :, ::-1])


def read_frames(video: Path, step: int = 10, longest: int = 480) -> dict[str, np.ndarray]:
    """Every tenth frame as three pictures of at most SIDE: the whole, its left part and its right part."""
    capture, pictures, n = cv2.VideoCapture(str(video)), {}, 0
    while True:
        ok, frame = capture.read()
        if not ok:
            return pictures
        if n % step == 0:
            h, w = frame.shape[:2]
            s = longest / max(h, w)
            rgb = cv2.resize(frame, (round(w * s), round(h * s)), interpolation=cv2.INTER_AREA)[:, :, ::-1]
            small = cv2.resize(rgb, (SIDE, round(h * SIDE / w)), interpolation=cv2.INTER_AREA)
            for part, picture in {"": small, "l": rgb[:SIDE, :SIDE], "r": rgb[:SIDE, -SIDE:]}.items():
                pictures[f"{video.name}#{n}{part}"] = np.ascontiguousarray(picture)
        n += 1


def is_val(name: str) -> bool:
    return int(hashlib.sha1(name.encode()).hexdigest(), 16) % 19 == 0 and "#" not in name


def load(data_dir: Path, video_dir: Path | None) -> tuple[list[Sample], list[Sample]]:
    """Training samples (labels only) and held-out samples; `ignore` marks what the labels call difficult."""
    images = read_images(data_dir)
    for name in TRAIN_VIDEOS if video_dir else ():
        images |= read_frames(video_dir / name)
    records = {r["file"]: r for r in json.loads((data_dir / "labels.json").read_text())}
    train, val = [], []
    for name, image in images.items():
        boxes, labels, hard = [], [], []
        for b in records.get(name, {"boxes": []})["boxes"]:
            label = ALIASES.get(b["label"], b["label"])
            if label in CLASSES:
                boxes.append(b["xyxy"])
                labels.append(CLASSES.index(label))
                hard.append(bool(b.get("difficult")))
        sample = Sample(
            name, image, np.array(boxes, np.float32).reshape(-1, 4), np.array(labels, np.int64), np.array(hard, bool)
        )
        (val if is_val(name) else train).append(sample)
    return train, val


def pair_iou(a: Tensor, b: Tensor) -> Tensor:
    """a [B, M, 4], b [B, P, 4] xyxy -> [B, M, P]."""
    ax0, ay0, ax1, ay1 = a[:, :, None].unbind(-1)
    bx0, by0, bx1, by1 = b[:, None].unbind(-1)
    inter = (torch.minimum(ax1, bx1) - torch.maximum(ax0, bx0)).clamp_(min=0)
    inter *= (torch.minimum(ay1, by1) - torch.maximum(ay0, by0)).clamp_(min=0)
    union = (ax1 - ax0) * (ay1 - ay0) + (bx1 - bx0) * (by1 - by0) - inter
    return inter / (union + 1e-6)


def merge(boxes: Tensor, soft: Tensor, kind: Tensor, t_boxes: Tensor, t_soft: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Labels meet the teacher's detections of the same pictures (batched).

    boxes [B, M, 4], soft [B, M, C], kind [B, M]; t_boxes [B, T, 4], t_soft [B, T, C]. A label takes TRUST of its class
    vector from the detection that matches it; detections that no label covers join as objects of their own.
    """
    overlap = pair_iou(boxes, t_boxes) * (kind == LABEL)[..., None]  # [B, M, T]
    agree = torch.einsum("bmc,btc->bmt", soft, t_soft) * (overlap > 0.5)  # teacher's score for the label's class
    best, index = agree.max(2)
    opinion = t_soft.gather(1, index[..., None].expand(-1, -1, soft.shape[2])) * (best > 0)[..., None]
    is_label = (kind == LABEL)[..., None]
    mixed = torch.where(is_label, (1 - TRUST) * soft + TRUST * torch.maximum(opinion, soft * best[..., None]), soft)
    top, name = t_soft.max(2)
    same = soft.argmax(2)[:, :, None] == name[:, None]
    twice = (pair_iou(t_boxes, t_boxes) > 0.5) & (name[:, :, None] == name[:, None]) & (top[:, :, None] < top[:, None])
    covered = ((overlap > 0.7) | ((overlap > 0.4) & same)).any(1) | twice.any(2)
    fresh = torch.where(covered | (top < DOUBTFUL), torch.zeros_like(top), top)
    score, pick = fresh.topk(min(OBJECTS // 2, fresh.shape[1]), dim=1)
    extra_boxes = t_boxes.gather(1, pick[..., None].expand(-1, -1, 4))
    extra_soft = (1.3 * t_soft.gather(1, pick[..., None].expand(-1, -1, soft.shape[2]))).clamp(max=1)
    extra_kind = torch.where(score > 0, TEACHER, NONE).to(kind.dtype)
    boxes, soft = torch.cat([boxes, extra_boxes], 1), torch.cat([mixed, extra_soft], 1)
    return compact(boxes, soft, torch.cat([kind, extra_kind], 1), OBJECTS)


def compact(boxes: Tensor, soft: Tensor, kind: Tensor, limit: int) -> tuple[Tensor, Tensor, Tensor]:
    """Keep at most `limit` objects per row, labels before the teacher's, likely before unlikely."""
    rank = soft.amax(2) * (kind > NONE) + (kind == LABEL).float() + 0.5 * (kind == UNJUDGED).float()
    index = rank.topk(min(limit, rank.shape[1]), dim=1).indices
    wide = index[..., None]
    return boxes.gather(1, wide.expand(-1, -1, 4)), soft.gather(1, wide.expand(-1, -1, soft.shape[2])), kind.gather(1, index)


@dataclass
class Store:
    """All training pictures and objects on one device.

    pixels: uint8 RGB in the low three bytes of int32, three sizes of each picture (whole, half, quarter) one after
    another in one flat vector, so that one gather fetches a colour and shrinking does not alias.
    """

    pixels: Tensor  # [total] int32
    start: Tensor  # [n, 3] int64: first pixel of each size
    size: Tensor  # [n, 2] float: width, height of the whole picture
    boxes: Tensor  # [n, OBJECTS, 4]
    soft: Tensor  # [n, OBJECTS, C]
    kind: Tensor  # [n, OBJECTS] int8
    odds: Tensor  # [n] running sum of the sampling weights


def load_store(path: Path, device: str) -> Store:
    """The training pictures of a file that prepare.py wrote, on the device."""
    prepared = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    return Store(**{k: v.to(device) for k, v in prepared["store"].items()})


def load_held_out(path: Path) -> list[Sample]:
    """The held-out images of a file that prepare.py wrote."""
    prepared = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    return [Sample(**{k: v if k == "name" else v.numpy() for k, v in s.items()}) for s in prepared["val"]]


def pyramid(image: np.ndarray) -> list[np.ndarray]:
    """The picture whole, halved and quartered, each a flat int32 array of packed colours."""
    flat = []
    for _ in range(3):
        rgb = image.reshape(-1, 3).astype(np.int32)
        flat.append(rgb[:, 0] | rgb[:, 1] << 8 | rgb[:, 2] << 16)
        h, w = image.shape[:2]
        image = cv2.resize(image, (max(1, w // 2), max(1, h // 2)), interpolation=cv2.INTER_AREA)
    return flat


def pack(samples: list[Sample], teacher: dict[str, tuple[Tensor, Tensor]], device: str) -> Store:
    """teacher: per name its boxes [T, 4] in pixels and class probabilities [T, C]."""
    n, c = len(samples), len(CLASSES)
    boxes, soft = torch.zeros(n, OBJECTS, 4), torch.zeros(n, OBJECTS, c)
    kind = torch.zeros(n, OBJECTS, dtype=torch.int8)
    t_max = max([1, *(len(teacher[s.name][0]) for s in samples if s.name in teacher)])
    t_boxes, t_soft = torch.zeros(n, t_max, 4), torch.zeros(n, t_max, c)
    weight = torch.ones(n)
    for i, s in enumerate(samples):
        m = min(len(s.labels), OBJECTS)
        boxes[i, :m], kind[i, :m] = torch.from_numpy(s.boxes[:m]), LABEL
        soft[i, torch.arange(m), torch.from_numpy(s.labels[:m])] = 1.0
        kind[i, :m][torch.from_numpy(s.ignore[:m])] = UNJUDGED
        if s.name in teacher:
            k = len(teacher[s.name][0])
            t_boxes[i, :k], t_soft[i, :k] = teacher[s.name]
        weight[i] = max([BALANCE[k] for k in s.labels.tolist()], default=1.0) * (0.7 if s.name.startswith("v12") else 1.0)
    rows = (t.to(device).split(512) for t in (boxes, soft, kind, t_boxes, t_soft))
    boxes, soft, kind = (torch.cat(p) for p in zip(*(merge(*part) for part in zip(*rows))))
    with ThreadPoolExecutor() as pool:
        chunks = [flat for levels in pool.map(pyramid, (s.image for s in samples)) for flat in levels]
    start = torch.tensor([0, *map(len, chunks)]).cumsum(0)[:-1].view(n, 3)
    size = torch.tensor([[s.image.shape[1], s.image.shape[0]] for s in samples]).float()
    pixels = torch.from_numpy(np.concatenate(chunks))
    return Store(*(t.to(device) for t in (pixels, start, size, boxes, soft, kind, weight.cumsum(0))))


CONSTANTS: dict[tuple, Tensor] = {}


def constant(values: tuple[float, ...], device: torch.device) -> Tensor:
    """A small tensor that is copied to the device once; every copy would wait for it."""
    if (values, device) not in CONSTANTS:
        CONSTANTS[values, device] = torch.tensor(values, device=device)
    return CONSTANTS[values, device]


def normalise(images: Tensor, mean: tuple, std: tuple) -> Tensor:
    """[B, 3, H, W] in [0, 255] -> normalised float, channels-last memory."""
    m, s = (constant(tuple(v), images.device).view(1, 3, 1, 1) * 255 for v in (mean, std))
    return ((images.float() - m) / s).contiguous(memory_format=torch.channels_last)
