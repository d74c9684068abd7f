"""A small ONNX interpreter in PyTorch, enough to run the teacher in large batches on any device.

Only the operators of the DEIMv2 exports (opset 17) are here; an unknown one raises KeyError.
Integer tensors (shapes, axes, indices) and scale factors stay on the CPU, so that nothing waits for the GPU.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor


def ints(t: Tensor) -> list[int]:
    return [int(v) for v in t.flatten().tolist()]


class OnnxGraph:
    """Runs the nodes needed for `outputs`; every call takes and returns tensors by their ONNX names.

    dtype is that of the convolutions alone: coordinates, scores and attention need single precision.
    """

    def __init__(self, path: Path, outputs: list[str], device: str, dtype: torch.dtype = torch.float32) -> None:
        graph = onnx.load(str(path)).graph
        self.device, self.outputs = device, outputs
        self.constants: dict[str, Tensor] = {}
        sizes = {n.input[2] for n in graph.node if n.op_type == "Resize"}
        kernels = {name for n in graph.node if n.op_type == "Conv" for name in n.input[1:]}
        for tensor in graph.initializer:
            kept = dtype if tensor.name in kernels else torch.float32
            self._keep(tensor.name, numpy_helper.to_array(tensor), kept, sizes)
        nodes = []
        for node in graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type == "Constant":
                self._keep(node.output[0], numpy_helper.to_array(attributes["value"]), torch.float32, sizes)
            else:
                nodes.append((node.op_type, list(node.input), list(node.output), attributes))
        needed, kept = set(outputs), []
        for node in reversed(nodes):
            if needed & set(node[2]):
                needed |= set(node[1])
                kept.append(node)
        self.nodes = kept[::-1]

    def _keep(self, name: str, array: np.ndarray, dtype: torch.dtype, sizes: set[str]) -> None:
        t = torch.from_numpy(np.array(array))
        on_device = t.is_floating_point() and t.numel() > 0 and name not in sizes
        self.constants[name] = t.to(self.device, dtype) if on_device else t

    @torch.no_grad()
    def __call__(self, **inputs: Tensor) -> list[Tensor]:
        values = {**self.constants, **inputs}
        for op, names, outputs, attributes in self.nodes:
            result = OPERATORS[op]([values[n] if n else None for n in names], attributes)
            values.update(zip(outputs, result if isinstance(result, (tuple, list)) else (result,)))
        return [values[n] for n in self.outputs]


def gather(x: list, a: dict) -> Tensor:
    data, index, axis = x[0], x[1], a.get("axis", 0)
    if index.dim() == 0:
        return data.select(axis, int(index) if index.device.type == "cpu" else index)
    picked = data.index_select(axis, index.flatten().to(data.device))
    return picked.unflatten(axis, index.shape)


def cut(x: list, a: dict) -> Tensor:
    data, starts, ends = x[0], ints(x[1]), ints(x[2])
    axes = ints(x[3]) if len(x) > 3 else range(len(starts))
    steps = ints(x[4]) if len(x) > 4 else [1] * len(starts)
    for axis, start, end, step in zip(axes, starts, ends, steps):
        n = data.shape[axis]
        start, end = (max(0, v + n) if v < 0 else min(v, n) for v in (start, end))
        data = data.narrow(axis, start, end - start)
        if step != 1:
            data = data[(slice(None),) * (axis % data.dim()) + (slice(None, None, step),)]
    return data


def reshape(x: list, a: dict) -> Tensor:
    shape = [x[0].shape[i] if v == 0 else v for i, v in enumerate(ints(x[1]))]
    return x[0].reshape(shape)


def pool_pads(a: dict) -> tuple[int, ...]:
    top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
    return left, right, top, bottom


def convolve(x: list, a: dict) -> Tensor:
    left, right, top, bottom = pool_pads(a)
    data, padding = x[0].to(x[1].dtype), (top, left)
    if (top, left) != (bottom, right):
        data, padding = F.pad(data, (left, right, top, bottom)), (0, 0)
    bias = x[2] if len(x) > 2 else None
    return F.conv2d(data, x[1], bias, a.get("strides", [1, 1]), padding, a.get("dilations", [1, 1]), a.get("group", 1))


def average(x: list, a: dict) -> Tensor:
    left, right, top, bottom = pool_pads(a)
    assert left == right and top == bottom
    counted = bool(a.get("count_include_pad", 0))
    return F.avg_pool2d(x[0], a["kernel_shape"], a["strides"], (top, left), bool(a.get("ceil_mode", 0)), counted)


def pad(x: list, a: dict) -> Tensor:
    amounts, n = ints(x[1]), x[0].dim()
    flat = [v for axis in reversed(range(n)) for v in (amounts[axis], amounts[axis + n])]
    return F.pad(x[0], flat, value=float(x[2]) if len(x) > 2 and x[2] is not None else 0.0)


def clip(x: list, a: dict) -> Tensor:
    low, high = (x[i] if len(x) > i and x[i] is not None else None for i in (1, 2))
    return x[0].clamp(low, high)


def resize(x: list, a: dict) -> Tensor:
    assert a["mode"] == b"nearest"  # asymmetric with floor: PyTorch's own rule
    return F.interpolate(x[0], scale_factor=[float(s) for s in x[2].flatten()[2:].tolist()], mode="nearest")


def unsqueeze(x: list, a: dict) -> Tensor:
    data = x[0]
    for axis in ints(x[1]):
        data = data.unsqueeze(axis)
    return data


def gemm(x: list, a: dict) -> Tensor:
    left = (x[0].mT if a.get("transA") else x[0]).float()
    right = x[1].mT if a.get("transB") else x[1]
    return a.get("alpha", 1.0) * (left @ right) + a.get("beta", 1.0) * x[2]


def binary(function):
    """Mixed operands: a CPU scalar may meet a device tensor, a CPU vector must follow it."""

    def run(x: list, a: dict) -> Tensor:
        p, q = x
        if p.device != q.device:
            p, q = (p, q.to(p.device)) if q.device.type == "cpu" else (p.to(q.device), q)
        return function(p, q)

    return run


def divide(p: Tensor, q: Tensor) -> Tensor:
    return p / q if p.is_floating_point() or q.is_floating_point() else torch.div(p, q, rounding_mode="trunc")


OPERATORS = {
    "Add": binary(torch.add), "Sub": binary(torch.sub), "Mul": binary(torch.mul), "Div": binary(divide),
    "Pow": binary(torch.pow), "MatMul": binary(lambda p, q: p.float() @ q.float()), "Gemm": gemm, "Conv": convolve,
    "Relu": lambda x, a: x[0].relu(), "Sigmoid": lambda x, a: x[0].sigmoid(), "Sqrt": lambda x, a: x[0].sqrt(),
    "Log": lambda x, a: x[0].log(), "Clip": clip, "Softmax": lambda x, a: x[0].softmax(a.get("axis", -1)),
    "Reshape": reshape, "Transpose": lambda x, a: x[0].permute(a["perm"]), "Slice": cut, "Gather": gather,
    "Concat": lambda x, a: torch.cat(x, a["axis"]), "Unsqueeze": unsqueeze,
    "Squeeze": lambda x, a: x[0].squeeze(ints(x[1])), "Flatten": lambda x, a: x[0].flatten(a.get("axis", 1)),
    "Split": lambda x, a: x[0].split(ints(x[1]), a.get("axis", 0)),
    "Shape": lambda x, a: torch.tensor(x[0].shape), "Tile": lambda x, a: x[0].repeat(ints(x[1])),
    "ReduceMean": lambda x, a: x[0].mean(a["axes"], bool(a.get("keepdims", 1))),
    "ReduceMax": lambda x, a: x[0].amax(a["axes"], bool(a.get("keepdims", 1))),
    "ReduceSum": lambda x, a: x[0].sum(ints(x[1]), bool(a.get("keepdims", 1))),
    "TopK": lambda x, a: x[0].topk(ints(x[1])[0], a.get("axis", -1)),
    "GatherElements": lambda x, a: x[0].gather(a.get("axis", 0), x[1]),
    "GridSample": lambda x, a: F.grid_sample(
        x[0], x[1].to(x[0].dtype), a["mode"].decode(), a["padding_mode"].decode(), bool(a.get("align_corners", 0))
    ),
    "MaxPool": lambda x, a: F.max_pool2d(x[0], a["kernel_shape"], a["strides"], 0, ceil_mode=bool(a.get("ceil_mode", 0))),
    "AveragePool": average, "GlobalAveragePool": lambda x, a: x[0].mean((2, 3), keepdim=True),
    "Pad": pad, "Resize": resize, "Cast": lambda x, a: x[0].float() if a["to"] == 1 else x[0].long(),
}  # fmt: skip
