"""Train Lookout or its static rival; every schedule follows the wall clock.

A plan of `--minutes` may be worked off in several sittings: each continues from `last.pt` of the output folder and
ends after `--sitting` minutes, or when the plan is done.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from canvas import Canvases, compose, earlier, mirrored
from data import Sample, Store, load_held_out, load_store, normalise
from evaluate import build, detect, load_model, val_map
from losses import WEIGHTS, losses
from model import PATCH
from optim import Average, Optimiser
from published import spread_norms

# From which progress: (height, width, canvases, odds). Small canvases first, as tokens cost time.
SIZES = (
    (0.0, ((160, 160, 512, 1.0),)),
    (0.25, ((224, 224, 320, 1.0),)),
    (0.5, ((256, 256, 224, 0.5), (240, 320, 192, 0.25), (320, 240, 192, 0.25))),
    (0.7, ((320, 320, 128, 0.3), (256, 336, 144, 0.2), (336, 256, 144, 0.1), (384, 384, 96, 0.12),
           (480, 640, 40, 0.2), (576, 768, 24, 0.08))),
)  # fmt: skip
CALM = 0.85  # from here on fewer mosaics


def plan(p: float, rng: random.Random, args: argparse.Namespace) -> tuple[int, int, int, tuple[int, int]]:
    """Progress in [0, 1] -> canvases, height, width, grid of pictures."""
    sizes = [s for start, s in SIZES if start <= p and max(s[0][:2]) <= args.largest][-1]
    sizes = [s for s in sizes if max(s[:2]) <= args.largest]
    h, w, n, _ = rng.choices(sizes, [s[3] for s in sizes])[0]
    if h * w >= 480 * 640:
        grid = rng.choice([(1, 1), (2, 2), (2, 3), (3, 4)])
    else:
        single = 0.65 if p > CALM else 0.45
        grid = rng.choices([(1, 1), (2, 2), (1, 2), (3, 3)], [single, 0.85 - single, 0.1, 0.05])[0]
    return max(2, round(n * args.batch)), h, w, grid


def pick_mode(p: float, rng: random.Random, args: argparse.Namespace) -> dict:
    """What the second step on a composition trains beside the dense mode."""
    draw = rng.random()
    if p < args.modes or args.model != "lookout":
        return {}
    if draw < args.sparse:
        return {"rho": 0.1 if rng.random() < 0.4 else round(rng.uniform(0.1, 0.7), 2)}
    if draw < args.sparse + args.clustered:
        return {"clustered": True}
    return {"stale": True} if draw < args.sparse + args.clustered + args.stale else {}


def arguments(description: str | None) -> argparse.ArgumentParser:
    """What every plan needs to know."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--prepared", type=Path, required=True, help="the file prepare.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder of last.pt and log.jsonl")
    parser.add_argument("--minutes", type=float, required=True, help="of the whole plan")
    parser.add_argument("--sitting", type=float, default=math.inf, help="minutes of this sitting")
    parser.add_argument("--from", dest="start", type=Path, help="weights to begin with: last.pt, or a folder with model.json")
    parser.add_argument("--config", default="{}", help="JSON over the model's default sizes, or over those of --from")
    parser.add_argument("--optimizer", choices=("muon", "adamw"), default="muon")
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--muon-lr", type=float, default=0.01)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--ema", type=float, default=0.999)
    parser.add_argument("--batch", type=float, default=1.0, help="factor on all batch sizes")
    parser.add_argument("--eval-every", type=float, default=3.0, help="minutes")
    parser.add_argument("--log-every", type=int, default=200, help="steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser


class Run:
    """Networks, optimiser and counters of one plan; what a checkpoint holds."""

    def __init__(self, args: argparse.Namespace, kind: str, look: Callable[[int], Tensor]) -> None:
        """`look` gives so many pictures [n, 3, H, W] in [0, 255] like those of the training."""
        self.args, self.kind, self.file = args, kind, args.out / "last.pt"
        saved = torch.load(self.file, map_location="cpu", weights_only=True) if self.file.exists() else None
        first = load_model(args.start) if args.start and not saved else None
        sizes = first.cfg.as_dict() if first else {}
        self.model = build(kind, saved["config"] if saved else sizes | json.loads(args.config))
        self.config = self.model.cfg.as_dict()
        if first:
            unknown = self.model.load_state_dict(first.state_dict(), strict=False)
            if unknown.unexpected_keys or not all(k.startswith("mimic.") for k in unknown.missing_keys):
                raise SystemExit(f"--config does not fit the weights of --from: {unknown}")
            if args.start.is_dir():  # published weights come without the statistics of normalisation
                images = look(max(2, round(128 * args.batch))).cpu().float()
                spread_norms(self.model, normalise(images, self.model.cfg.mean, self.model.cfg.std))
        self.model.to(args.device)
        self.parameters = list(self.model.parameters())
        self.ema = copy.deepcopy(self.model).eval()
        self.optimiser = Optimiser(self.model, args.optimizer, args.lr, args.muon_lr, args.decay)
        self.step = self.canvases = 0
        self.held: Canvases | None = None  # composed, used once so far
        self.minutes = 0.0  # spent in earlier sittings
        if saved:
            self.model.load_state_dict(saved["model"])
            self.ema.load_state_dict(saved["ema"])
            self.optimiser.restore(saved)
            self.step, self.canvases, self.minutes = saved["step"], saved["canvases"], saved["minutes"]
        self.average = Average(self.model, self.ema)

    def update(self, loss: Tensor, p: float) -> None:
        """One step of the optimiser down `loss`, at progress p."""
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward()
        for parameter in self.parameters:  # a mode that leaves a weight alone leaves no gradient
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        nn.utils.clip_grad_norm_(self.parameters, 5.0)
        warm = min(1.0, max((self.step + 1) / 300, p / 0.05))
        self.optimiser.step(warm * (0.5 + 0.5 * math.cos(math.pi * p)) + 0.002)
        self.step += 1
        self.average.update(min(self.args.ema, (self.step + 1) / (self.step + 10)))

    def save(self, minutes: float) -> None:
        state = {
            "kind": self.kind, "config": self.config, "model": self.model.state_dict(), "ema": self.ema.state_dict(),
            "step": self.step, "canvases": self.canvases, "minutes": minutes, **self.optimiser.state(),
        }  # fmt: skip
        part = self.file.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.file)

    def log(self, **values) -> None:
        with (self.args.out / "log.jsonl").open("a") as f:
            f.write(json.dumps(values) + "\n")
        print(" ".join(f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in values.items()), flush=True)

    def report(self, val: list[Sample], minutes: float) -> None:
        mean, per = val_map([detect(self.ema, v.image) for v in val], val)
        self.log(minutes=round(minutes, 2), step=self.step, canvases=self.canvases, mAP50=mean, person=per["person"],
                 per_class={k: round(v, 3) for k, v in per.items()})  # fmt: skip


def train_step(run: Run, store: Store, p: float, rng: random.Random) -> dict[str, Tensor]:
    """One update. Every composition serves two: as it is and dense, then mirrored and in a mode of its own."""
    args, model, mode = run.args, run.model, {}
    if run.held is None:
        canvases = run.held = compose(store, *plan(p, rng, args))
        run.canvases += len(canvases.images)
    else:
        canvases, run.held, mode = mirrored(run.held), None, pick_mode(p, rng, args)
    h, w = canvases.images.shape[2:]
    x = normalise(canvases.images, model.cfg.mean, model.cfg.std)
    if mode.pop("stale", False):
        before, fresh = earlier(canvases.images)
        mode["stale"] = normalise(before, model.cfg.mean, model.cfg.std), fresh
    with torch.autocast(x.device.type, torch.bfloat16, enabled=x.is_cuda):
        out = model(x, **mode)
    parts = losses(out, canvases, h // PATCH, w // PATCH, topk=10 if p < 0.7 else 6)
    total = sum(WEIGHTS[k] * v for k, v in parts.items() if not (args.no_aux and k == "aux"))
    run.update(total, p)
    return {k: v.detach() for k, v in parts.items()}


def work_off(run: Run, val: list[Sample], step: Callable[[float], dict[str, Tensor]]) -> None:
    """Steps, given the progress, until the sitting or the plan is over; logs, saves and evaluates now and then."""
    args = run.args
    start, marks, sums, counted = time.time(), [time.time(), run.canvases], {}, 0
    last_eval = start
    while True:
        minutes = run.minutes + (time.time() - start) / 60
        if minutes >= min(args.minutes, run.minutes + args.sitting):
            break
        run.model.train()
        for k, v in step(minutes / args.minutes).items():
            sums[k] = sums.get(k, 0) + v
        counted += 1
        if run.step % args.log_every == 0:
            means, now = {k: float(v) / counted for k, v in sums.items()}, time.time()
            if not all(math.isfinite(v) for v in means.values()):
                raise SystemExit(f"the losses are no longer finite: {means}")
            rate = (run.canvases - marks[1]) / (now - marks[0])
            run.log(minutes=round(minutes, 2), step=run.step, canvases=run.canvases, rate=round(rate), **means)
            sums, counted, marks = {}, 0, [now, run.canvases]
        if time.time() - last_eval > args.eval_every * 60:
            run.save(minutes)
            run.report(val, minutes)
            last_eval = time.time()
            marks = [last_eval, run.canvases]
    run.save(minutes)
    run.report(val, minutes)


def begin(args: argparse.Namespace, kind: str, look: Callable[[int], Tensor]) -> tuple[Run, random.Random]:
    """The run of args.out, begun or resumed, and a source of chance; `look` as in Run."""
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    run = Run(args, kind, look)
    torch.manual_seed(args.seed + run.step)
    return run, random.Random(args.seed + run.step)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--model", choices=("lookout", "shvit"), default="lookout")
    parser.add_argument("--modes", type=float, default=0.3, help="progress at which the other modes join in")
    parser.add_argument("--sparse", type=float, default=0.35, help="share of the second steps; the rest is dense")
    parser.add_argument("--clustered", type=float, default=0.35)
    parser.add_argument("--stale", type=float, default=0.2)
    parser.add_argument("--no-aux", action="store_true")
    parser.add_argument("--largest", type=int, default=768, help="longest side of a canvas, at least 160")
    args = parser.parse_args()
    store = load_store(args.prepared, args.device)
    run, rng = begin(args, args.model, lambda n: compose(store, n, 160, 160, (1, 1)).images)
    work_off(run, load_held_out(args.prepared), lambda p: train_step(run, store, p, rng))


if __name__ == "__main__":
    main()
