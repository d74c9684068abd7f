"""Eventful Transformers' own backbones and detectors, run as a case's `config` and `steps` say."""

from __future__ import annotations

import numpy as np
import torch

from published import stub

#: Modules of a block, and what each remembers.
REMEMBERED = {
    "qkv_gate": "p",
    "projection_gate": "p",
    "mlp_gate": "p",
    "v_gate": "p",
    "matmul_gate": "p",
    "qkv_accumulator": "b",
    "projection_accumulator": "b",
    "mlp_accumulator": "b",
    "matmul_accumulator_1": "product",
    "matmul_accumulator_2": "product",
}


class Backbone:
    """A ViTBackbone whose gates tell what they chose and why."""

    def __init__(self, backbone, config: dict) -> None:
        self.backbone, self.config = backbone, config
        self.seen: dict[str, torch.Tensor] = {}
        self.margins: list[float] = []
        for i, block in enumerate(backbone.blocks):
            for name in REMEMBERED:
                if name.endswith("_gate") and hasattr(block, name):
                    getattr(block, name).register_forward_hook(self._keep_indices(f"block{i}.{name}"))

    def _keep_indices(self, name: str):
        def keep(_gate, _inputs, output) -> None:
            if output[-1] is not None:
                self.seen[f"{name}.indices"] = output[-1].flatten().sort()[0].to(torch.int32)

        return keep

    def set_policy(self, policy: dict) -> None:
        from eventful_transformer import policies
        from utils.misc import set_policies

        kinds = {
            "top_k": policies.TokenNormTopK,
            "threshold": policies.TokenNormThreshold,
            "top_fraction": policies.TokenNormTopFraction,
        }
        set_policies(self.backbone, kinds[policy["type"]], **{key: value for key, value in policy.items() if key != "type"})
        for i, block in enumerate(self.backbone.blocks):
            for name in REMEMBERED:
                if name.endswith("_gate") and hasattr(block, name):
                    gate = getattr(block, name)
                    gate.policy.register_forward_hook(self._keep_norms(f"block{i}.{name}", policy), with_kwargs=True)

    def _keep_norms(self, name: str, policy: dict):
        def keep(_policy, inputs, words, index) -> None:
            norms = torch.linalg.vector_norm(inputs[0], dim=words["dim"]).flatten()
            self.seen[f"{name}.error_norms"] = norms
            self.margins.append(margin(norms, index, policy))

        return keep

    def run(self, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
        """One frame's tokens after every block, and what the gates saw."""
        from eventful_transformer.base import ExtendedModule

        assert isinstance(self.backbone, ExtendedModule)
        self.seen = {}
        self.backbone.clear_counts()
        self.backbone.counting()
        after = [
            block.register_forward_hook(lambda _m, _i, out, i=i: self.seen.update({f"block{i}.output": out.clone()}))
            for i, block in enumerate(self.backbone.blocks)
        ]
        with torch.no_grad():
            self.backbone(tokens)
        for hook in after:
            hook.remove()
        return self.seen

    def cost(self, whole: bool) -> dict:
        """What the last frame cost, by the authors' count; of whole detectors the sums alone."""
        total = plain(self.backbone.total_counts())
        parts = {} if whole else {
            "position_encoding": plain(sum_counts(self.backbone.position_encoding)),
            "blocks": [plain(sum_counts(block)) for block in self.backbone.blocks],
        }
        return {"total": total, "total_sum": sum(total.values()), **parts}

    def state(self) -> dict[str, torch.Tensor]:
        """What the first global and the last windowed block remember."""
        windows = self.config.get("window_indices") or []
        chosen = [[i for i in range(len(self.backbone.blocks)) if i not in windows][:1], sorted(windows)[-1:]]
        state = {}
        for i in sum(chosen, []):
            for name, attribute in REMEMBERED.items():
                module = getattr(self.backbone.blocks[i], name, None)
                if module is not None:
                    state[f"block{i}.{name}.{attribute}"] = getattr(module, attribute).float()
        return state


def margin(norms: torch.Tensor, index: torch.Tensor, policy: dict) -> float:
    """Relative gap between what was chosen and what was not."""
    if policy["type"] == "threshold":
        gaps = (norms - policy["threshold"]).abs()
        return float(gaps.min() / policy["threshold"])
    chosen = torch.zeros_like(norms, dtype=torch.bool)
    chosen[index.flatten()] = True
    if chosen.all() or not chosen.any():
        return 1.0
    lowest, highest = norms[chosen].min(), norms[~chosen].max()
    return float((lowest - highest) / lowest) if lowest > 0 else 0.0


def sum_counts(module):
    return sum(part.counts for part in module.extended_modules())


def plain(counts) -> dict[str, int]:
    return {name: int(value) for name, value in sorted(counts.items()) if value} if counts else {}


def build(case: dict):
    """The published model that a case is of, without its weights."""
    stub("matplotlib.pyplot", "requests")
    if "head" in case["config"]:
        from eventful_detector import build_detector

        return build_detector(case)
    from eventful_transformer.backbones import ViTBackbone

    config = tuples(case["config"]["backbone"])
    return ViTBackbone(**config, has_class_token=case["config"].get("has_class_token", False)).eval()


def outputs(case: dict, weights: dict[str, np.ndarray], given: dict[str, np.ndarray]) -> tuple[dict, dict]:
    """All that the case's frames give, and what goes into case.json."""
    model = build(case)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    if "head" in case["config"]:
        from eventful_detector import detector_outputs

        return detector_outputs(case, model, given)
    backbone = Backbone(model, case["config"]["backbone"])
    out: dict[str, torch.Tensor] = {}
    costs = []
    for step in case["steps"]:
        frame = step["frame"]
        if step.get("reset_before"):
            model.reset()
        if "policy" in step:
            backbone.set_policy(step["policy"])
        seen = backbone.run(torch.from_numpy(given[f"frame{frame}.input"]).clone())
        last = f"block{len(model.blocks) - 1}.output"
        out[f"frame{frame}.output"] = seen.pop(last)
        out.update({f"frame{frame}.{name}": value.clone() for name, value in seen.items()})
        costs.append({"frame": frame, **backbone.cost(whole=False)})
    if any(hasattr(block, "qkv_gate") for block in model.blocks):
        out.update({f"frame{frame}.state.{name}": value for name, value in backbone.state().items()})
    found = {"cost": {"per_frame": costs}}
    if backbone.margins:
        found["selection_margin"] = {"value": min(backbone.margins)}
    return out, found


def tuples(config: dict) -> dict:
    """Sizes are tuples to the authors, and only equal to tuples."""
    if isinstance(config, dict):
        return {key: tuples(value) for key, value in config.items() if value is not None or key != "windowed_overrides"}
    return tuple(config) if isinstance(config, list) else config
