"""From which score on the application shows a class, measured on the held-out images and written into model.json.

A class is shown from the lowest score on from which a lower bound of its precision (Wilson's, one standard error) is at
least 0.8; never below the score that model.json states for all classes (nms.score). So four detections that are all
right are the fewest that can do. A class without such a score is shown only above everything that was wrong in any
class.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np

from data import load
from evaluate import detect, judge, load_model, of_class
from model import CLASSES

PRECISION, DEVIATIONS = 0.8, 1.0
FOLDS, SHUFFLES = 5, 10
Judged = np.ndarray  # [n, 3] score, 1 if right, image; best first


def lower_bound(right: int, count: int) -> float:
    """Wilson's lower bound of a share, `DEVIATIONS` standard errors below."""
    share, z2 = right / count, DEVIATIONS**2
    spread = DEVIATIONS * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    return (share + z2 / (2 * count) - spread) / (1 + z2 / count)


def counts(rows: Judged, score: float) -> tuple[int, int]:
    """How many detections of at least `score` there are, and how many of them are right."""
    shown = rows[rows[:, 0] >= score]
    return len(shown), int(shown[:, 1].sum())


def hundredth_below(score: float) -> float:
    return math.floor(100 * score) / 100


def display_score(rows: Judged, least: float, surest_wrong: float) -> float:
    """In hundredths, so that few digits say it; one that some detection reaches, as nothing is known in a gap."""
    for score in sorted({max(least, hundredth_below(s)) for s in rows[:, 0] if s >= least}):
        count, right = counts(rows, score)
        if lower_bound(right, count) >= PRECISION:
            return score
    return max(least, hundredth_below(surest_wrong) + 0.01)


def display_scores(classes: list[Judged], least: float) -> list[float]:
    surest_wrong = max((rows[rows[:, 1] == 0, 0].max(initial=0) for rows in classes), default=0)
    return [round(display_score(rows, least, surest_wrong), 2) for rows in classes]


def cross_validated(classes: list[Judged], objects: list[np.ndarray], least: float) -> tuple[float, float]:
    """Precision and recall of all classes together where the scores were chosen on other images."""
    rng, images = np.random.default_rng(0), len(objects[0])
    count = right = total = 0
    for fold in (f for _ in range(SHUFFLES) for f in np.array_split(rng.permutation(images), FOLDS)):
        inside = [np.isin(rows[:, 2], fold) for rows in classes]
        chosen = display_scores([rows[~i] for rows, i in zip(classes, inside)], least)
        for rows, i, score in zip(classes, inside, chosen):
            found = counts(rows[i], score)
            count, right = count + found[0], right + found[1]
        total += sum(int(o[fold].sum()) for o in objects)
    return right / count, right / total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a folder with model.json, which is rewritten")
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    path = args.model / "model.json"
    config = json.loads(path.read_text())
    least, overlap = config["nms"]["score"], config["nms"]["iou"]
    model = load_model(args.model)
    _, val = load(args.data, None)
    results = [detect(model, v.image, overlap) for v in val]
    judged = [judge(*of_class(c, results, val)) for c in range(len(CLASSES))]
    classes, objects = [np.array(rows).reshape(-1, 3) for rows, _ in judged], [o for _, o in judged]
    chosen = display_scores(classes, least)

    def summary(scores: list[float], print_classes: bool) -> dict[str, float]:
        found = [counts(rows, score) for rows, score in zip(classes, scores)]
        for name, score, (count, right), o in zip(CLASSES, scores, found, objects) if print_classes else ():
            precision = f"{right / count:.2f}" if count else "-"
            print(f"{name:13} {score:.2f}: {count:3} shown, precision {precision:>4}, recall {right / o.sum():.2f}")
        right, shown, total = sum(r for _, r in found), sum(n for n, _ in found), sum(int(o.sum()) for o in objects)
        return {"precision": round(right / shown, 3), "recall": round(right / total, 3)}

    one, own = [least] * len(CLASSES), f"one score, {least}"
    table = {own: summary(one, True), "a score for each class": summary(chosen, True)}
    held = cross_validated(classes, objects, least)
    table["chosen on other images"] = {"precision": round(held[0], 3), "recall": round(held[1], 3)}
    print(json.dumps(table, indent=1))
    config = {k: v for k, v in config.items() if k != "display_scores"}
    at = list(config).index("nms") + 1
    items = list(config.items())
    config = dict([*items[:at], ("display_scores", dict(zip(CLASSES, chosen))), *items[at:]])
    config.setdefault("accuracy", {})["display_held_out"] = {
        "note": f"all classes together; {FOLDS} folds, {SHUFFLES} shuffles in the last row; tools/training/display_scores.py",
        **table,
    }
    path.write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
