"""Decode the pictures, let the teacher look at each once, and write everything training needs into one file.

Without a teacher the file serves `scorer.py`, which needs no labels.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import torch

from data import load, pack
from teacher import Teacher, look


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with images-*.tar and labels.json")
    parser.add_argument("--video", type=Path, help="folder with the two training clips")
    parser.add_argument("--onnx", type=Path, help="the teacher; without it labels stay as they are")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    train, val = load(args.data, args.video)
    print(f"{len(train)} training and {len(val)} held-out pictures", flush=True)
    found = look(Teacher(args.onnx), train) if args.onnx else {}
    print(f"{sum(len(b) for b, _ in found.values())} detections of the teacher", flush=True)
    store = {k: v.cpu() for k, v in vars(pack(train, found, args.device)).items()}
    torch.save({"store": store, "val": [{k: torch.from_numpy(v) if k != "name" else v for k, v in asdict(s).items()} for s in val]}, args.out)


if __name__ == "__main__":
    main()
