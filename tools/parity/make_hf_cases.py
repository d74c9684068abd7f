"""Makes the parity cases of system `hf`: what transformers' own models give for weights and pictures that seeds give.

    python make_hf_cases.py [CASE ...] [--out ../../main/parity/fixtures/hf] [--seed 1]
    python make_hf_cases.py --check FOLDER    # does it find what a case with stored weights states?
"""

from __future__ import annotations

import argparse
import inspect
import itertools
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file, save_file

import seeded
from cases import Watch, numpy_of, rounded_to_half, write_case
from hf_models import CASES, HfCase

THRESHOLD = 0.05
TOLERANCE = {"abs": 2e-4, "rel": 1e-3, "pixel_values_abs": 0.02}
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def run(case: HfCase, model, processor, pictures: list[np.ndarray], given=None) -> dict[str, torch.Tensor]:
    """All that one batch gives; `given` in place of the pixel values that the processor makes."""
    out: dict[str, torch.Tensor] = {}
    if processor:
        out.update(processor(images=pictures, return_tensors="pt", input_data_format="channels_last"))
    else:
        picture = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 255
        mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
        out["pixel_values"] = (picture - mean) / std
    out["pixel_values"] = rounded_to_half(out["pixel_values"]) if given is None else given
    watch = Watch(model, case.modules)
    with torch.no_grad():
        result = model(**({**out} if takes_mask(model) else {"pixel_values": out["pixel_values"]}))
    watch.close()
    out.update(watch.take())
    for name in case.results:
        value = result[name]
        out.update({f"{name}.{i}": part for i, part in enumerate(value)} if isinstance(value, tuple) else {name: value})
    if processor:
        sizes = torch.tensor([picture.shape[:2] for picture in pictures])
        found = processor.post_process_object_detection(result, threshold=THRESHOLD, target_sizes=sizes)
        for i, picture in enumerate(found):
            out.update({f"post.{i}.{part}": picture[part] for part in ("scores", "labels", "boxes")})
    if "pixel_mask" in out:
        out["pixel_mask"] = out["pixel_mask"].to(torch.uint8)
    return out


def takes_mask(model) -> bool:
    return "pixel_mask" in inspect.signature(model.forward).parameters


def close_calls(tensors: dict[str, np.ndarray]) -> list[str]:
    """Choices that rounding could turn: scores next to each other or to the threshold, proposals next to each other."""
    found = []
    for name, values in tensors.items():
        if name.endswith(".scores") and np.abs(values - THRESHOLD).min(initial=1) < 1e-4:
            found.append(f"{name} has one at the threshold")
        if name.endswith(".scores") and np.abs(np.diff(np.sort(values))).min(initial=1) < 2e-6:
            found.append(f"{name} has two that are nearly equal")
        if name.endswith("logits") and np.diff(np.sort(values, -1)[..., -2:]).min() < 1e-4:
            found.append(f"{name} has two classes that are nearly equal")
        if name.endswith(("enc_class", "enc_outputs_class")):
            best = np.sort(values.max(-1) if name.endswith("enc_class") else values[..., 0], -1)[..., -10:]
            if np.diff(best).min() < 1e-3:
                found.append(f"{name} has proposals that are nearly equal")
    return found


def make(name: str, out: Path, first_seed: int) -> None:
    case = CASES[name]()
    model_class = getattr(transformers, case.model)
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    model_class(case.config).save_pretrained(folder)
    shapes = {key: list(value.shape) for key, value in sorted(load_file(folder / "model.safetensors").items())}
    (folder / "model.safetensors").unlink()
    processor = getattr(transformers, case.processor)(size=case.size, do_pad=case.pad) if case.processor else None
    if processor:
        processor.save_pretrained(folder)
    for seed in itertools.count(first_seed):
        model = seeded_model(case, model_class, shapes, seed)
        pictures, tensors = run_batches(case, model, processor, seed)
        if not (calls := close_calls(tensors)):
            break
        print(f"{name}: not seed {seed}, for {'; '.join(calls)}")
    shared = shared_pixels(out, case.pixels_of, tensors)
    write_case(
        folder,
        {
            "system": "hf",
            "case": name,
            "source": {
                "repo": "pypi transformers",
                "commit": f"transformers {transformers.__version__}",
                "class": case.model,
            },
            "description": case.notes,
            "config": {
                "model_config": "config.json",
                **({"preprocessor": "preprocessor_config.json"} if processor else {}),
                "inputs": {batch: {"images_hw": [list(size) for size in sizes]} for batch, sizes in case.images.items()},
            },
            "tolerance": TOLERANCE,
            "pictures": {"seed": seed, "tensors": pictures},
            "weights": {"seed": seed, "rules": [list(rule) for rule in case.rules], "tensors": shapes},
            **({"shared": {f"../{case.pixels_of}/tensors.safetensors": shared}} if shared else {}),
        },
        {key: value for key, value in tensors.items() if key not in shared},
    )
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{name}: {len(tensors)} tensors, {size / 1024:.0f} KB, seed {seed}")


def shared_pixels(out: Path, other: str | None, tensors: dict[str, np.ndarray]) -> list[str]:
    """Which pixel values and masks another case has stored already."""
    stated = load_file(out / other / "tensors.safetensors") if other else {}
    pixels = [name for name in tensors if name.split(".")[1].startswith("pixel_") and name in stated]
    return [name for name in pixels if np.array_equal(tensors[name], stated[name])]


def seeded_model(case: HfCase, model_class, shapes: dict[str, list[int]], seed: int):
    """As transformers loads it from a file of the seed's weights, so that names and ties are its own."""
    weights = {key: seeded.weight(seed, key, shape, case.rules) for key, shape in shapes.items()}
    with tempfile.TemporaryDirectory() as place:
        save_file(weights, Path(place) / "model.safetensors", metadata={"format": "pt"})
        case.config.save_pretrained(place)
        model, report = model_class.from_pretrained(place, output_loading_info=True)
    if any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")):
        raise RuntimeError(f"transformers did not take all weights of {case.model}: {report}")
    return model.eval()


def run_batches(case: HfCase, model, processor, seed: int) -> tuple[dict[str, list[int]], dict[str, np.ndarray]]:
    """Shapes of the pictures, and all outputs by name."""
    pictures: dict[str, list[int]] = {}
    tensors: dict[str, np.ndarray] = {}
    for batch, sizes in case.images.items():
        names = [f"{batch}.image.{i}" for i in range(len(sizes))]
        pictures.update({key: [*size, 3] for key, size in zip(names, sizes)})
        images = [seeded.picture(seed, key, *size) for key, size in zip(names, sizes)]
        found = numpy_of(run(case, model, processor, images))
        tensors.update({f"{batch}.{key}": value for key, value in found.items()})
    return pictures, {key: value for key, value in tensors.items() if key not in case.omit}


def check(folder: Path) -> None:
    """Runs a case whose weights are stored, and says what differs."""
    case = CASES[folder.name]()
    model_class = getattr(transformers, case.model)
    processor = getattr(transformers, case.processor).from_pretrained(folder) if case.processor else None
    case.config = None
    model = model_class.from_pretrained(folder).eval()
    stated = load_file(folder / "tensors.safetensors")
    worst, missing = 0.0, []
    for batch, inputs in json.loads((folder / "case.json").read_text())["config"]["inputs"].items():
        images = [stated[f"{batch}.image.{i}"] for i in range(len(inputs["images_hw"]))]
        found = numpy_of(run(case, model, processor, images, torch.from_numpy(stated[f"{batch}.pixel_values"])))
        for name, value in found.items():
            if f"{batch}.{name}" not in stated:
                missing.append(f"{batch}.{name}")
                continue
            difference = np.abs(value.astype(np.float64) - stated.pop(f"{batch}.{name}"))
            worst = max(worst, float(np.nan_to_num(difference).max(initial=0)))
    left = [name for name in stated if ".image." not in name]
    print(f"{folder.name}: largest difference {worst:.2e}; not stated there: {missing}; not made here: {left}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; default: all")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "main/parity/fixtures/hf")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", type=Path, nargs="+", metavar="FOLDER")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for folder in args.check or []:
        check(folder)
    for name in [] if args.check else args.cases or CASES:
        make(name, args.out, args.seed)


if __name__ == "__main__":
    main()
