"""Scores tracks against ground truth with TrackEval (Luiten and Hoffhues 2020): HOTA, IDF1, MOTA.

Reads JSON from standard input: `truth` and `tracks`, lists of frames, each a list of [identity, left, top, right, bottom] in
pixels. Prints one line of JSON.
"""

import json
import sys
from importlib.metadata import version

import numpy as np
from trackeval.datasets._base_dataset import _BaseDataset
from trackeval.metrics import CLEAR, HOTA, Identity


def numbered(frames):
    """Identities of each frame counted from 0, as the metrics want them, and how many there are."""
    known = {}
    ids = [np.array([known.setdefault(box[0], len(known)) for box in frame], dtype=int) for frame in frames]
    return ids, len(known)


def boxes(frame):
    return np.array([box[1:] for box in frame], dtype=float).reshape(-1, 4)


given = json.load(sys.stdin)
truth, tracks = given["truth"], given["tracks"]
truth_ids, truth_count = numbered(truth)
track_ids, track_count = numbered(tracks)
data = {
    "num_timesteps": len(truth),
    "gt_ids": truth_ids,
    "tracker_ids": track_ids,
    "num_gt_ids": truth_count,
    "num_tracker_ids": track_count,
    "num_gt_dets": sum(map(len, truth)),
    "num_tracker_dets": sum(map(len, tracks)),
    "similarity_scores": [
        _BaseDataset._calculate_box_ious(boxes(a), boxes(b), box_format="x0y0x1y1") for a, b in zip(truth, tracks)
    ],
}
quiet = {"PRINT_CONFIG": False}
clear = CLEAR(quiet).eval_sequence(data)
print(
    json.dumps(
        {
            "hota": float(np.mean(HOTA().eval_sequence(data)["HOTA"])),
            "idf1": float(Identity(quiet).eval_sequence(data)["IDF1"]),
            "mota": float(clear["MOTA"]),
            "switches": int(clear["IDSW"]),
            "tracks": track_count,
            "people": truth_count,
            "version": version("trackeval"),
        }
    )
)
