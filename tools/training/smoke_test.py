"""A minute of training on a dozen generated pictures: `pytest smoke_test.py`, or `python smoke_test.py`.

Proves that preparation, canvases, assignment, all modes, resuming, evaluation and export work together and that the
loss falls; it says nothing about accuracy. Skipped, saying so, where PyTorch is missing.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; the training smoke test is skipped")
cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed; the training smoke test is skipped")
pytest.importorskip("safetensors", reason="safetensors is not installed; the training smoke test is skipped")

import numpy as np  # noqa: E402

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
SMALL = '{"dim": 64, "depth": 3, "heads": 2, "stem": [8, 16, 32]}'
RIVAL = '{"embed": [32, 48, 64], "partial": [8, 12, 16], "neck": 32}'


def picture(seed: int):
    """Noise with one bright and one dark rectangle, called person and car; a Sample."""
    from data import Sample

    rng = np.random.default_rng(seed)
    image = rng.integers(90, 140, (160, 200, 3), np.uint8)
    boxes = []
    for colour in (230, 20):
        x, y = rng.integers(5, 110), rng.integers(5, 70)
        w, h = rng.integers(40, 80), rng.integers(40, 80)
        image[y : y + h, x : x + w] = colour
        boxes.append([x, y, x + w, y + h])
    return Sample(f"{seed}.png", image, np.array(boxes, np.float32), np.array([0, 2]), np.zeros(2, bool))


def prepared(path: Path) -> None:
    from dataclasses import asdict

    from data import pack

    train, val = [picture(i) for i in range(12)], [picture(100 + i) for i in range(4)]
    store = dict(vars(pack(train, {}, "cpu")))
    rows = [{k: v if k == "name" else torch.from_numpy(v) for k, v in asdict(s).items()} for s in val]
    torch.save({"store": store, "val": rows}, path)


def run(*args: object) -> str:
    return subprocess.run([sys.executable, *map(str, args)], cwd=HERE, check=True, capture_output=True, text=True).stdout


def test_canvases_keep_objects_inside(tmp_path: Path) -> None:
    from canvas import compose, earlier, mirrored
    from data import NONE, Store

    prepared(tmp_path / "prepared.pt")
    store = Store(**torch.load(tmp_path / "prepared.pt", weights_only=True)["store"])
    torch.manual_seed(0)
    for h, w, grid in ((96, 128, (1, 1)), (160, 96, (2, 2)), (128, 128, (3, 3))):
        c = compose(store, 6, h, w, grid)
        real = c.kind > NONE
        assert c.images.shape == (6, 3, h, w) and real.any()
        assert (c.boxes[real] >= 0).all() and (c.boxes[real][:, 2] <= w).all() and (c.boxes[real][:, 3] <= h).all()
        assert torch.equal(mirrored(mirrored(c)).images, c.images)
        before, fresh = earlier(c.images)
        assert before.shape == c.images.shape and fresh.shape == (6, h * w // 256)


def test_remembering_everything_anew_equals_dense() -> None:
    from data import normalise
    from evaluate import build
    from model import decode
    from videos import Cached

    torch.manual_seed(0)
    model = build("lookout", json.loads(SMALL)).eval()
    image = picture(0).image[:, :192]
    cached = Cached(model, threshold=-1)
    cached(image), cached(image)
    with torch.no_grad():
        dense = model(normalise(torch.from_numpy(image).permute(2, 0, 1)[None], model.cfg.mean, model.cfg.std))
    assert torch.allclose(decode(cached.out, 10, 12)[0], dense["logits"], atol=1e-5)


@torch.no_grad()
def test_kept_tokens_run_alone_as_in_the_sparse_mode() -> None:
    from canvas import Canvases
    from data import normalise
    from evaluate import build
    from sparse_blocks import example, own_blocks, run_kept

    torch.manual_seed(0)
    model = build("lookout", json.loads(SMALL)).eval()
    tail = own_blocks(model, 0.2)
    images = torch.stack([torch.from_numpy(picture(i).image[:, :192]) for i in range(2)]).permute(0, 3, 1, 2)
    none = torch.zeros(2, 0)
    given, table = example(model, Canvases(images, none, none, none), 1.0, torch.float32), model.table(10, 12, images.device)
    all_kept = run_kept(tail, given, 120, table)[0]  # with the weights it begins with
    assert torch.allclose(torch.nn.functional.layer_norm(all_kept, (64,)), given.dense, atol=1e-5)
    for weight in tail.parameters():
        weight.add_(torch.randn_like(weight), alpha=0.02)
    _, pts, logits, boxes = run_kept(tail, given, 24, table)
    whole = model(normalise(images, model.cfg.mean, model.cfg.std), rho=0.2)
    shared = model(normalise(images, model.cfg.mean, model.cfg.std), rho=0.21)
    points = (4 * given.order[:, :24, None] + torch.arange(4)).flatten(1)[..., None]
    assert torch.allclose(logits, whole["logits"].gather(1, points.expand_as(logits)), atol=1e-5)
    assert torch.allclose(boxes, whole["boxes"].gather(1, points.expand_as(boxes)), atol=1e-3)
    assert not torch.allclose(logits, shared["logits"].gather(1, points.expand_as(logits)), atol=1e-3)


def test_published_weights_come_back(tmp_path: Path) -> None:
    from data import normalise
    from evaluate import build, load_model
    from export import config
    from published import spread_norms, tensors
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = build("lookout", json.loads(SMALL) | {"sigma": 0.5}).eval()
    for norm in model.stem.norms:
        norm.weight.data.uniform_(0.5, 1.5), norm.bias.data.normal_(std=0.1)
        norm.running_mean.normal_(std=0.1), norm.running_var.uniform_(0.5, 1.5)
    save_file(tensors(model), tmp_path / "model.safetensors")
    (tmp_path / "model.json").write_text(json.dumps(config(model, {})))
    back = load_model(tmp_path)
    assert back.cfg.as_dict() == model.cfg.as_dict() | {"stem": (8, 16, 32)}
    pixels = torch.stack([torch.from_numpy(picture(i).image[:, :192]) for i in range(4)]).permute(0, 3, 1, 2)
    x = normalise(pixels, model.cfg.mean, model.cfg.std)
    with torch.no_grad():
        logits, tokens = back(x)["logits"], back.stem(x)
        assert torch.allclose(logits, model(x)["logits"], atol=0.02)
        assert all(torch.equal(a, b) for a, b in zip(tensors(back).values(), tensors(load_model(tmp_path)).values()))
        spread_norms(back, x)
        assert torch.allclose(back.stem(x), tokens, atol=1e-4)
        assert torch.allclose(back.stem.train()(x), tokens, atol=1e-3)


@torch.no_grad()
def test_a_published_rival_comes_back(tmp_path: Path) -> None:
    from data import normalise
    from evaluate import load_model
    from export import rival_config
    from published import spread_norms
    from rival_fixture import SMALL as SIZES
    from rival_fixture import randomise
    from safetensors.torch import save_file
    from shvit import ShDetector, fused

    torch.manual_seed(0)
    model = ShDetector(SIZES)
    pixels = torch.stack([torch.from_numpy(picture(i).image[:, :192]) for i in range(4)]).permute(0, 3, 1, 2)
    x = normalise(pixels, model.cfg.mean, model.cfg.std)
    randomise(model, x)
    save_file(fused(model), tmp_path / "model.safetensors")
    (tmp_path / "model.json").write_text(json.dumps(rival_config(model, {})))
    back = load_model(tmp_path)
    assert back.cfg == model.cfg
    logits = back(x)["logits"]
    assert torch.allclose(logits, model(x)["logits"], atol=0.1)
    again = fused(back)
    assert all(torch.equal(w, again[k]) for k, w in fused(model).items() if not k.endswith("conv.weight"))
    spread_norms(back, x)
    assert torch.allclose(back(x)["logits"], logits, atol=1e-3)
    assert torch.allclose(back.train()(x)["logits"], logits, atol=1e-2)


@pytest.mark.parametrize(
    ("what", "rows", "expected"),
    [
        ("all right: from the lowest on, but not below the one score", [(0.7, 1, 0), (0.6, 1, 1), (0.5, 1, 2), (0.415, 1, 3), (0.2, 1, 4)], 0.41),
        ("wrong ones below: above them", [(0.8, 1, 0), (0.7, 1, 0), (0.6, 1, 1), (0.55, 1, 2), (0.5, 0, 3), (0.4, 0, 4)], 0.55),
        ("a wrong one above is borne by many right ones", [(0.9, 0, 0), *((0.5 + 0.01 * i, 1, i) for i in range(30))], 0.5),
        ("three right ones are too few: only above all that was wrong in any class", [(0.7, 1, 0), (0.6, 1, 1), (0.5, 1, 2)], 0.86),
        ("four of five are right, but not surely: as if none were", [(0.8 - 0.01 * i, int(i % 5 > 0), i) for i in range(40)], 0.86),
        ("nothing was found", [], 0.86),
    ],
)  # fmt: skip
def test_a_class_is_shown_from_where_it_is_right(what: str, rows: list, expected: float) -> None:
    from display_scores import display_scores

    wrong_elsewhere = np.array([(0.853, 0, 0)])
    classes = [np.array(sorted(rows, reverse=True)).reshape(-1, 3), wrong_elsewhere]
    assert display_scores(classes, 0.3)[0] == pytest.approx(expected), what


def test_a_crop_keeps_what_is_seen_of_objects() -> None:
    from canvas import Canvases, cropped
    from data import LABEL, NONE, TEACHER, UNJUDGED

    boxes = torch.tensor([[[20.0, 20, 60, 60], [0, 0, 30, 30], [10, 0, 22, 40], [0, 0, 18, 90], [70, 70, 90, 90]]])
    kind = torch.tensor([[LABEL, TEACHER, LABEL, LABEL, LABEL]])
    images = torch.arange(96 * 96).view(1, 1, 96, 96).expand(1, 3, 96, 96)
    cut = cropped(Canvases(images, boxes, torch.zeros(1, 5, 20), kind), 16, 16, 48, 48)
    assert torch.equal(cut.images, images[:, :, 16:64, 16:64])
    assert cut.boxes[0, :4].tolist() == [[4, 4, 44, 44], [0, 0, 14, 14], [0, 0, 6, 24], [0, 0, 2, 48]]
    # whole; a detection of which 22 % are seen; a label of which 30 % are; one of which 6 % are; one outside
    assert cut.kind[0].tolist() == [LABEL, NONE, LABEL, UNJUDGED, NONE]


@pytest.mark.parametrize("kind", ["lookout", "shvit"])
def test_trains_resumes_and_exports(tmp_path: Path, kind: str) -> None:
    prepared(tmp_path / "prepared.pt")
    out = tmp_path / "run"
    settings = ("--config", SMALL if kind == "lookout" else RIVAL)
    common = ("train.py", "--prepared", tmp_path / "prepared.pt", "--out", out, "--model", kind, "--device", "cpu",
              "--batch", 0.016, "--modes", 0.05, "--minutes", 1.0, "--log-every", 5, "--largest", 160, *settings)  # fmt: skip
    run(*common, "--sitting", 0.6)
    run(*common)
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    losses = [row["cls"] + row["box"] for row in log if "cls" in row]
    assert all(math.isfinite(v) for v in losses) and sum(losses[-3:]) < 0.8 * sum(losses[:3])
    assert log[-1]["minutes"] >= 1.0 and 0 <= log[-1]["mAP50"] <= 1
    run("export.py", "--checkpoint", out / "last.pt", "--out", tmp_path / "exported")
    assert json.loads((tmp_path / "exported" / "model.json").read_text())["classes"][0] == "person"
    if kind == "lookout":
        compare_with_reference(out / "last.pt", tmp_path / "exported")
        goes_on_from(tmp_path / "exported", tmp_path)


def test_who_answers_as_the_teacher_has_nothing_to_learn() -> None:
    from distil import like_teacher
    from evaluate import build
    from model import decode

    torch.manual_seed(0)
    teacher = build("lookout", json.loads(SMALL))
    torch.nn.init.normal_(teacher.head2.weight, std=0.3)
    tokens = torch.randn(2, 30, 64)
    logits, boxes = (t.detach().requires_grad_() for t in decode(teacher.head(tokens), 5, 6))
    same = like_teacher({"logits": logits, "boxes": boxes}, teacher, tokens, 5, 6)
    sum(same.values()).backward()
    assert same["extents"].abs() < 1e-4 and logits.grad.abs().max() < 1e-6
    other = like_teacher({"logits": logits + 1, "boxes": boxes + 4}, teacher, tokens, 5, 6)
    assert all(other[k] > same[k] + 0.05 for k in same)


def test_a_rival_learns_from_lookout(tmp_path: Path) -> None:
    from evaluate import build

    prepared(tmp_path / "prepared.pt")
    torch.manual_seed(0)
    teacher = build("lookout", json.loads(SMALL))
    torch.save({"kind": "lookout", "config": teacher.cfg.as_dict(), "ema": teacher.state_dict()}, tmp_path / "lookout.pt")
    common = ("--prepared", tmp_path / "prepared.pt", "--device", "cpu")
    for name, h, w in (("a.pt", 160, 192), ("b.pt", 192, 160)):
        run("lessons.py", *common, "--from", tmp_path / "lookout.pt", "--out", tmp_path / name, "--canvases", 12, "--height", h, "--width", w)
    lessons = torch.load(tmp_path / "a.pt", weights_only=True)
    assert lessons["images"].shape == (12, 3, 160, 192) and lessons["tokens"].shape == (12, 120, 64)
    run("distil.py", *common, "--teacher", tmp_path / "lookout.pt", "--lessons", tmp_path / "a.pt", tmp_path / "b.pt", "--out", tmp_path / "run",
        "--minutes", 0.4, "--batch", 0.02, "--log-every", 2, "--config", RIVAL)  # fmt: skip
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    losses = [row["tokens"] for row in log if "tokens" in row]
    assert all(math.isfinite(v) for v in losses) and sum(losses[-3:]) < 0.9 * sum(losses[:3])
    run("export.py", "--checkpoint", tmp_path / "run" / "last.pt", "--out", tmp_path / "exported")
    run("distil.py", *common, "--teacher", tmp_path / "lookout.pt", "--lessons", tmp_path / "a.pt", "--out", tmp_path / "next",
        "--from", tmp_path / "exported", "--minutes", 0.05, "--batch", 0.03)  # fmt: skip


def goes_on_from(published: Path, tmp_path: Path) -> None:
    """A new scorer leaves all other weights as they were; training begins with what was published."""
    from safetensors.torch import load_file

    common = ("--prepared", tmp_path / "prepared.pt", "--from", published, "--device", "cpu")
    run("scorer.py", *common, "--out", tmp_path / "scorer.pt", "--canvases", 24, "--steps", 20, "--width", 80)
    run("export.py", "--checkpoint", tmp_path / "scorer.pt", "--out", tmp_path / "scored")
    before, after = (load_file(folder / "model.safetensors") for folder in (published, tmp_path / "scored"))
    assert {k for k in before if before[k].shape != after[k].shape or not torch.equal(before[k], after[k])} == {k for k in before if k.startswith("scorer.")}
    assert json.loads((tmp_path / "scored" / "model.json").read_text())["scorer"]["width"] == 80
    run("sparse_blocks.py", *common, "--out", tmp_path / "sparse.pt", "--minutes", 0.1, "--batch", 0.1, "--up-to", 0.3)
    run("export.py", "--checkpoint", tmp_path / "sparse.pt", "--out", tmp_path / "sparse")
    after = load_file(tmp_path / "sparse" / "model.safetensors")
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert any(not torch.equal(before[k.removeprefix("sparse.")], after[k]) for k in after if k.startswith("sparse."))
    compare_with_reference(tmp_path / "sparse.pt", tmp_path / "sparse")
    run("train.py", *common, "--out", tmp_path / "next", "--minutes", 0.02, "--batch", 0.016, "--largest", 160, "--lr", 0, "--muon-lr", 0)
    run("export.py", "--checkpoint", tmp_path / "next" / "last.pt", "--out", tmp_path / "again")
    again = load_file(tmp_path / "again" / "model.safetensors")
    assert all(torch.equal(before[k], again[k]) for k in before if not k.startswith("stem."))


def compare_with_reference(checkpoint: Path, folder: Path) -> None:
    """The exported half-precision weights under reference.py against the trained network."""
    from data import normalise
    from evaluate import load_model
    from reference import Reference

    model = load_model(checkpoint)
    pixels = torch.from_numpy(picture(1).image[:160, :192]).permute(2, 0, 1)[None]
    for mode in ({}, {"rho": 0.3}, {"clustered": True}):
        with torch.no_grad():
            mine = model(normalise(pixels, model.cfg.mean, model.cfg.std), **mode)["logits"]
        theirs = Reference(folder)(pixels.float() / 255, **mode).logits
        # Halving the precision may swap two nearly equal tokens or change a run length: compare most values.
        assert ((mine - theirs).abs() < 0.05).float().mean() > 0.9


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__, "-q"]))
