"""Makes Sparse DETR's case `checkpoint`: what its main.py saves, in both formats of torch.save.

    python make_checkpoint.py ../../main/parity/fixtures/sparse-detr/checkpoint --published sparse-detr

case.json says the configuration, the seed of the model's tensors, and what lies beside them; the tensors under `extra`, of
every type and in strides of their own, are the only ones in tensors.safetensors.
"""

from __future__ import annotations

import argparse
import json
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

import published
import seeded
from cases import as_json
from remake import shapes


def extra() -> dict[str, torch.Tensor]:
    numbers = torch.from_numpy(seeded.normals(1, "extra", [24], 0.0, 1.0))
    return {
        "half": numbers[:12].view(3, 4).half(),
        "bf16": numbers[:5].bfloat16(),
        "f64": numbers[:4].view(2, 2).double(),
        "i64": torch.arange(6).view(2, 3),
        "i32": torch.arange(4, dtype=torch.int32),
        "u8": torch.arange(5, dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 4),
        "transposed": numbers[:15].clone().view(3, 5).T,
        "slice": numbers.clone().view(6, 4)[1:4, :2],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--published", type=Path, required=True, metavar="CHECKOUT")
    args = parser.parse_args()
    published.use(args.published)
    import sparse_detr

    case = json.loads((args.folder / "case.json").read_text())
    model = sparse_detr.build(case)
    case["inputs"]["tensors"] = {
        f"model.{name}": f"model.{shape}" if isinstance(shape, str) else shape for name, shape in shapes(case).items()
    }
    values = {name.removeprefix("model."): value for name, value in seeded.tensors(case["inputs"]).items()}
    model.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()})
    state = model.state_dict()
    for name, value in values.items():
        assert np.array_equal(state[name].numpy(), value), name
    steps = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(size)) for size in (6, 4)], lr=2e-4)
    for group in steps.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.ones_like(parameter)
    steps.step()
    beside = extra()
    contents = {
        "model": OrderedDict(state),
        "optimizer": steps.state_dict(),
        "lr_scheduler": {"step_size": 40, "gamma": 0.1, "last_epoch": 0},
        "epoch": case["config"]["epoch"],
        "args": argparse.Namespace(**case["config"]["args"]),
        "extra": beside,
    }
    contents["model"]._metadata = state._metadata
    torch.save(contents, args.folder / "checkpoint.pth")
    torch.save(contents, args.folder / "checkpoint-legacy.pth", _use_new_zipfile_serialization=False)
    case["config"]["keys"] = list(contents)
    case["config"]["extra_dtypes"] = {name: str(value.dtype) for name, value in beside.items()}
    case["config"]["extra_strides"] = {name: list(value.stride()) for name, value in beside.items()}
    save_file(
        {f"extra.{name}": value.contiguous().clone() for name, value in beside.items()},
        args.folder / "tensors.safetensors",
    )
    (args.folder / "tensors.safetensors").chmod(0o644)
    (args.folder / "case.json").write_text(as_json(case) + "\n")


if __name__ == "__main__":
    main()
