"""What onnxruntime for Python gives for an ONNX detector on frames of a video, as JSON: a reference for main/families/onnx.

    python onnx_reference.py MODEL.onnx VIDEO --frames 0 75 149 --out reference.json

Two kinds of files: DEIM, D-FINE and RT-DETR as their authors export them (images, orig_target_sizes), with pixels from 0 to 1 in a
stretched picture; and YOLOv8 and later by Ultralytics (images -> output0), letterboxed. ffmpeg decodes and scales, as in Sparsight;
everything behind that is numpy. Needs numpy, onnx, onnxruntime and ffmpeg.
"""

import argparse
import ast
import hashlib
import json
import os
import subprocess

import numpy as np
import onnx
import onnxruntime

# The square that Ultralytics trains with, where a file leaves the size open and says nothing.
USUAL_SIDE = 640
PAD = 114
MOST = 300
IOU = 0.7


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("video")
    parser.add_argument("--frames", type=int, nargs="+", default=[0, 75, 149])
    parser.add_argument("--score", type=float, default=0.05, help="lowest score that is kept")
    parser.add_argument("--out", required=True)
    given = parser.parse_args()
    model = onnx.load(given.model)
    session = onnxruntime.InferenceSession(given.model, providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_inputs()]
    detect = postprocessed if "orig_target_sizes" in names else ultralytics
    display = display_size(given.video)
    frames = []
    for index in given.frames:
        boxes, scores, labels = detect(model, session, given.video, index, display)
        kept = scores > given.score
        order = np.argsort(-scores[kept], kind="stable")
        frames.append(
            {
                "frame": index,
                "boxes": boxes[kept][order].round(4).tolist(),
                "scores": scores[kept][order].round(6).tolist(),
                "labels": labels[kept][order].tolist(),
            }
        )
    with open(given.model, "rb") as file:
        sha256 = hashlib.sha256(file.read()).hexdigest()
    reference = {
        "model": os.path.basename(given.model),
        "sha256": sha256,
        "video": os.path.basename(given.video),
        "score": given.score,
        "onnxruntime": onnxruntime.__version__,
        "frames": frames,
    }
    with open(given.out, "w") as file:
        json.dump(reference, file)


def display_size(video):
    """Width and height, of videos with square pixels that are not rotated."""
    words = ["ffprobe", "-v", "error", "-select_streams", "V:0", "-show_entries", "stream=width,height", "-of", "csv=p=0", video]
    width, height = subprocess.check_output(words, text=True).strip().split(",")[:2]
    return int(width), int(height)


def picture(video, index, width, height):
    """A frame, scaled: [height, width, 3] bytes."""
    scale = f"select=eq(n\\,{index}),scale={width}:{height}:flags=bilinear+full_chroma_int,format=rgb24"
    words = ["ffmpeg", "-v", "error", "-i", video, "-vf", scale, "-frames:v", "1", "-f", "rawvideo", "pipe:1"]
    pixels = subprocess.check_output(words)
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def planes(pixels):
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255)


def postprocessed(model, session, video, index, display):
    height, width = session.get_inputs()[0].shape[2:]
    feeds = {"images": planes(picture(video, index, width, height)), "orig_target_sizes": np.array([display], np.int64)}
    labels, boxes, scores = session.run(["labels", "boxes", "scores"], feeds)
    return clip(boxes[0], display), scores[0], labels[0]


def ultralytics(model, session, video, index, display):
    height, width = session.get_inputs()[0].shape[2:]
    if not isinstance(height, int):
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        height, width = ast.literal_eval(metadata.get("imgsz", f"[{USUAL_SIDE}, {USUAL_SIDE}]"))
    gain = min(width / display[0], height / display[1])
    inner = round(display[0] * gain), round(display[1] * gain)
    left, top = round((width - inner[0]) / 2 - 0.1), round((height - inner[1]) / 2 - 0.1)
    whole = np.full((height, width, 3), PAD, np.uint8)
    whole[top : top + inner[1], left : left + inner[0]] = picture(video, index, *inner)
    (output,) = session.run(None, {session.get_inputs()[0].name: planes(whole)})
    rows = output[0].T
    scores, labels = rows[:, 4:].max(1), rows[:, 4:].argmax(1)
    centre, size = rows[:, :2], rows[:, 2:4]
    boxes = np.concatenate([centre - size / 2, centre + size / 2], 1)
    kept = suppress(boxes, scores, labels)
    boxes = (boxes[kept] - [left, top, left, top]) / gain
    return clip(boxes, display), scores[kept], labels[kept]


def suppress(boxes, scores, labels):
    kept = []
    for i in np.argsort(-scores, kind="stable")[:1000]:
        if len(kept) < MOST and all(labels[i] != labels[j] or iou(boxes[i], boxes[j]) <= IOU for j in kept):
            kept.append(i)
    return np.array(kept)


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def clip(boxes, display):
    return np.clip(boxes, 0, np.array([*display, *display]))


if __name__ == "__main__":
    main()
