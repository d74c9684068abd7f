"""Tensors that are made from a seed and their name, number for number as main/parity/seeded-tensors.ts makes them.

Only whole numbers, exact products and IEEE double arithmetic are used, so that both give the same float32.
"""

from __future__ import annotations

import numpy as np

GOLDEN = 0x9E3779B9
#: Standard deviation of the sum of four uniform 16-bit numbers.
FOUR_HALVES = 37837.22
#: Rules that hold unless a case has rules of its own, which come first: (end of the name, mean, standard deviation).
COMMON_RULES = [("running_mean", 0.0, 0.25), ("running_var", 1.0, 0.25), ("num_batches_tracked", 0.0, 0.0)]


def mix(x: np.ndarray) -> np.ndarray:
    """The 32-bit hash lowbias32 (https://nullprogram.com/blog/2018/07/31/)."""
    x = x.astype(np.uint32)
    x = x ^ (x >> np.uint32(16))
    x = x * np.uint32(0x7FEB352D)
    x = x ^ (x >> np.uint32(15))
    x = x * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def key_of(seed: int, name: str) -> int:
    """FNV-1a over the name's UTF-8 bytes, begun at the hash of the seed."""
    key = int(mix(np.array([seed], np.uint32))[0])
    for byte in name.encode():
        key = ((key ^ byte) * 0x01000193) & 0xFFFFFFFF
    return key


def bits(key: int, index: np.ndarray) -> np.ndarray:
    return mix(np.uint32(key) + index.astype(np.uint32) * np.uint32(GOLDEN))


def normals(seed: int, name: str, shape: list[int], mean: float, std: float) -> np.ndarray:
    """float32 [shape], near enough to normal: sums of four uniform numbers, none farther than 3.5 deviations out."""
    index = np.arange(int(np.prod(shape, dtype=np.int64)), dtype=np.uint32)
    key = key_of(seed, name)
    halves = [bits(key, 2 * index + part) for part in (0, 1)]
    total = sum((half >> np.uint32(16)).astype(np.int64) + (half & np.uint32(0xFFFF)) for half in halves)
    return (mean + std * ((total - 131070) / FOUR_HALVES)).astype(np.float32).reshape(shape)


def weight(seed: int, name: str, shape: list[int], rules: list) -> np.ndarray:
    """By the first rule whose end the name has; else matrices by their fan-in, gains around 1, other vectors around 0."""
    for end, mean, std in [*rules, *COMMON_RULES]:
        if name.endswith(end):
            return normals(seed, name, shape, mean, std)
    if len(shape) >= 2:
        return normals(seed, name, shape, 0.0, 1 / np.sqrt(np.prod(shape[1:], dtype=np.float64)))
    return normals(seed, name, shape, 1.0 if name.endswith("weight") else 0.0, 0.2)


def picture(seed: int, name: str, height: int, width: int) -> np.ndarray:
    """uint8 [height, width, 3]: squares of 8 px that noise covers."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    key = key_of(seed, name)
    square = bits(key, ((y >> 3) * 4096 + (x >> 3)) * 3 + c) >> np.uint32(24)
    noise = bits(key ^ 0xFFFFFFFF, (y * 4096 + x) * 3 + c) >> np.uint32(24)
    return ((3 * square + noise) >> np.uint32(2)).astype(np.uint8)


def tensors(stated: dict) -> dict[str, np.ndarray]:
    """The tensors of a `weights` or `inputs` part of case.json; a name in place of a shape is that of the same tensor."""
    seed, rules = stated["seed"], stated.get("rules", [])
    own = {name: weight(seed, name, shape, rules) for name, shape in stated["tensors"].items() if not isinstance(shape, str)}
    return {name: own[shape if isinstance(shape, str) else name] for name, shape in stated["tensors"].items()}


def video(seed: int, shape: list[int], frames: int, scale: float = 1.0, repeats: tuple[int, ...] = ()) -> dict[str, np.ndarray]:
    """Tokens [1, tokens, dim] of every frame: each token moves on by a step of its own, most by little and few by much.
    Frames among `repeats` are what the frame before them was."""
    found = {"frame0.input": normals(seed, "frame0.input", shape, 0.0, scale)}
    for frame in range(1, frames):
        name = f"frame{frame}"
        length = normals(seed, f"{name}.step", [shape[1]], 0.0, 1.0).astype(np.float64)
        length = 0.0 if frame in repeats else ((scale * length) * length * length)[None, :, None]
        step = normals(seed, f"{name}.input", shape, 0.0, 1.0).astype(np.float64)
        found[f"{name}.input"] = (found[f"frame{frame - 1}.input"] + length * step).astype(np.float32)
    return found


def inputs(case: dict) -> dict[str, np.ndarray]:
    """All inputs that case.json gives as seeds."""
    found: dict[str, np.ndarray] = {}
    if "inputs" in case:
        found.update(tensors(case["inputs"]))
    if "video" in case:
        found.update(video(**case["video"]))
    if "pictures" in case:
        for name, shape in case["pictures"]["tensors"].items():
            last = shape[-1] == 3
            picked = picture(case["pictures"]["seed"], name, *(shape[-3:-1] if last else shape[-2:]))
            found[name] = (picked if last else picked.transpose(2, 0, 1)).reshape(shape)
    return found
