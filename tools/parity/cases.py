"""What all makers of cases share: catching the outputs of modules, and writing a case's folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

#: Tensors of more numbers are stored as float16, where the case's tolerance allows it.
LARGE = 512
#: In the names of a network's results and of what comes out of post-processing.
RESULTS = ("post.", "pred_", "pre_nms.", "detections")


class Watch:
    """Keeps what modules of a network give, by the names that a case gives them; of a second call as `name#1`."""

    def __init__(self, root: torch.nn.Module, modules: dict[str, str]) -> None:
        self.seen: dict[str, torch.Tensor] = {}
        self._hooks = [root.get_submodule(path).register_forward_hook(self._keep(name)) for name, path in modules.items()]

    def _keep(self, name: str):
        def keep(_module, _inputs, output) -> None:
            while not isinstance(output, torch.Tensor):
                output = output[0]
            calls = sum(known.split("#")[0] == name for known in self.seen)
            self.seen[f"{name}#{calls}" if calls else name] = output.detach().clone()

        return keep

    def take(self) -> dict[str, torch.Tensor]:
        seen, self.seen = self.seen, {}
        return seen

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()


def rounded_to_half(tensor: torch.Tensor) -> torch.Tensor:
    """What the network is given must be what the case can store."""
    return tensor.half().float()


def stored(name: str, array: np.ndarray, tolerance: float) -> np.ndarray:
    """Whole numbers and what users see stay as they are. Large float tensors lose the bits that a relative tolerance of 1e-3
    does not see."""
    array = np.ascontiguousarray(array)
    if array.dtype != np.float32 or array.size <= LARGE or tolerance < 1e-3 or any(part in name for part in RESULTS):
        return array
    half = array.astype(np.float16)
    if not np.isfinite(half[np.isfinite(array)]).all():
        raise ValueError("a tensor has numbers beyond float16")
    return half


def numpy_of(tensors: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def write_case(folder: Path, case: dict, tensors: dict[str, np.ndarray]) -> None:
    """`case.json` and `tensors.safetensors`; one line per tensor of weights, so that the file can be read."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tensors.safetensors"
    save_file({name: stored(name, array, case["tolerance"]["rel"]) for name, array in tensors.items()}, path)
    path.chmod(0o644)
    (folder / "case.json").write_text(as_json(case) + "\n")


def as_json(value, depth: int = 0) -> str:
    """Objects over several lines as far as their parts are long; everything else on one line."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict) or len(flat) + depth <= 100:
        return flat
    inner = " " * (depth + 1)
    parts = (f"{inner}{json.dumps(key)}: {as_json(part, depth + 1)}" for key, part in value.items())
    return "{\n" + ",\n".join(parts) + "\n" + " " * depth + "}"
