"""DETR, Conditional DETR and Anchor DETR, their authors' own and those that ENACT clusters, run as a case's `config` says."""

from __future__ import annotations

import sys
from argparse import Namespace

import numpy as np
import torch
import torchvision

from published import narrowed, stub
from tiny_resnet import backbone_of

MODULES = {"detr": "models.detr", "conditional-detr": "models.conditional_detr", "anchor-detr": "models.anchor_detr"}
CLASSES = {"detr": "DETR", "conditional-detr": "ConditionalDETR", "anchor-detr": "AnchorDETR"}


def host_of(case: dict) -> str:
    return next(name for name in ("conditional-detr", "anchor-detr", "detr") if case["case"].startswith(name))


def build(case: dict):
    """The published model that a case is of, without its weights."""
    stub("matplotlib.pyplot", "matplotlib.patches", "pycocotools", "pycocotools.mask", "panopticapi", "panopticapi.utils")
    # What they were called until 1.8.
    torch.nn.modules.linear._LinearWithBias = torch.nn.modules.linear.NonDynamicallyQuantizableLinear
    sys.modules["torch._overrides"] = torch.overrides
    torchvision.__version__ = "9.9"  # the authors read a number off its first three characters
    from importlib import import_module

    host, config = host_of(case), case["config"]
    networks, transformers = import_module(MODULES[host]), import_module("models.transformer")
    backbones = import_module("models.backbone")
    width = config["hidden_dim"]
    tiny = backbone_of(config, backbones.BackboneBase, backbones.FrozenBatchNorm2d, (4,))
    args = Namespace(device="cpu", dropout=0.0, num_feature_levels=1, spatial_prior="learned", attention_type="RCDA", **config)
    if host == "anchor-detr":
        tiny.num_channels = [tiny.num_channels]
        transformers.pos2posemb1d.__defaults__ = (width, 10000)
        transformers.pos2posemb2d.__defaults__ = (width // 2, 10000)
        return networks.AnchorDETR(tiny, transformers.build_transformer(args), num_feature_levels=1, aux_loss=True).eval()
    if host == "conditional-detr":
        # The authors' function has the 128 of d_model 256 in it.
        transformers.gen_sineembed_for_position = narrowed(transformers.gen_sineembed_for_position, width // 2)
    positions = import_module("models.position_encoding").PositionEmbeddingSine(width // 2, normalize=True)
    joined = backbones.Joiner(tiny, positions)
    joined.num_channels = tiny.num_channels
    network = getattr(networks, CLASSES[host])
    transformer = transformers.build_transformer(args)
    return network(joined, transformer, config["num_classes"], config["num_queries"], aux_loss=True).eval()


def outputs(case: dict, weights: dict[str, np.ndarray], given: dict[str, np.ndarray]) -> tuple[dict, dict]:
    """All that the case's inputs give, and what goes into case.json."""
    model = build(case)
    own = model.state_dict()  # a case may share the weights of one that has more of them
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items() if name in own})
    config = case["config"]
    out: dict[str, torch.Tensor] = {}
    margins: list[float] = []
    lengths: dict[str, list[int]] = {}
    for key, stated in config["inputs"].items():
        pictures = [given[f"{key}.image.{i}"] for i in range(len(stated["images_hw"]))]
        found = run(model, case, pictures, stated, margins)
        out.update({f"{key}.{name}": value for name, value in found.items()})
        lengths[key] = [int(found[name]) for name in sorted(found) if name.endswith("cluster_length")]
    clustered = {"cluster_length": lengths} if config["smoothing_sigma"] else {}
    return out, {"config": {**config, **clustered}, "selection_margin": {"value": min(margins)}}


def run(model, case: dict, pictures: list[np.ndarray], stated: dict, margins: list[float]) -> dict[str, torch.Tensor]:
    from importlib import import_module

    from util.misc import NestedTensor

    host, config = host_of(case), case["config"]
    anchor = host == "anchor-detr"
    out: dict[str, torch.Tensor] = {}

    def keep(name: str, change=lambda output: output):
        return lambda _m, _i, output: out.update({name: change(output)})

    turned = (lambda value: value.transpose(0, 1)) if not anchor else (lambda value: value)
    body = model.backbone if anchor else model.backbone[0]
    hooks = [
        body.register_forward_hook(lambda _m, _i, maps: out.update(of_map(maps[0] if anchor else maps["0"]))),
        (model.input_proj[0] if anchor else model.input_proj).register_forward_hook(keep("input_proj")),
    ]
    if not anchor:
        hooks.append(model.backbone[1].register_forward_hook(keep("pos_embed")))
    transformer = model.transformer
    encoder = transformer.encoder_layers if anchor else transformer.encoder.layers
    decoder = transformer.decoder_layers if anchor else transformer.decoder.layers
    clusterings: list[Clustering] = []
    for i, layer in enumerate(encoder):
        hooks.append(layer.register_forward_hook(keep(f"enc.{i}.output", turned)))
        if not config["smoothing_sigma"]:
            continue
        # Anchor DETR's attention is exchanged with the batch and shaped anew, which mixes pictures: this is before that.
        shape = (lambda o: o[0]) if anchor else turned
        hooks.append(layer.self_attn.register_forward_hook(keep(f"enc.{i}.attention", shape)))
        module = layer.ENACT if anchor else layer.self_attn
        clusterings.append(Clustering(module, f"enc.{i}.", out, anchor))
    for i, layer in enumerate(decoder):
        hooks.append(layer.register_forward_hook(keep(f"dec.{i}.output", turned)))
    batch = batch_of(pictures, config)
    with torch.no_grad():
        result = model(NestedTensor(*batch))
    for hook in hooks:
        hook.remove()
    for clustering in clusterings:
        margins += clustering.close()
    layers = [*result["aux_outputs"], result]
    for name in ("logits", "boxes"):
        out[f"all_{name}"] = torch.stack([layer[f"pred_{name}"] for layer in layers])
        out[f"pred_{name}"] = result[f"pred_{name}"]
    if "target_sizes" in stated:
        sizes = torch.tensor(stated["target_sizes"])
        found = import_module(MODULES[host]).PostProcess()(result, sizes)
        out["target_sizes"] = sizes
        for part in ("scores", "labels", "boxes"):
            out[f"post.{part}"] = torch.stack([picture[part] for picture in found])
        margins.append(post_margin(host, out))
    return out


def of_map(nested) -> dict[str, torch.Tensor]:
    return {"backbone": nested.tensors, "mask": nested.mask.to(torch.uint8)}


def batch_of(pictures: list[np.ndarray], config: dict) -> tuple[torch.Tensor, torch.Tensor]:
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (1, 2))
    batch = torch.zeros(len(pictures), 3, height, width)
    mask = torch.ones(len(pictures), height, width, dtype=torch.bool)
    mean, std = (torch.tensor(config[name])[:, None, None] for name in ("image_mean", "image_std"))
    for i, picture in enumerate(pictures):
        _, rows, cols = picture.shape
        batch[i, :, :rows, :cols] = (torch.from_numpy(picture) / 255 - mean) / std
        mask[i, :rows, :cols] = False
    return batch, mask


def post_margin(host: str, out: dict[str, torch.Tensor]) -> float:
    if host == "detr":
        best = out["pred_logits"][..., :-1].softmax(-1).topk(2)[0]
        return float(((best[..., 0] - best[..., 1]) / best[..., 0]).min())
    # A hundred scores of boxes lie close to each other by nature: rounding of floats alone must not exchange them.
    scores = out["post.scores"]
    return 50 * float(((scores[:, :-1] - scores[:, 1:]) / scores.max()).min())


class Clustering:
    """What a ClustAttn works out inside its forward, caught at the functions of torch that it calls."""

    def __init__(self, module, prefix: str, out: dict[str, torch.Tensor], anchor: bool) -> None:
        self.prefix, self.out, self.margins = prefix, out, []
        self.space = type(module).forward.__globals__
        self.hooks = [
            module.register_forward_pre_hook(self._begin),
            module.register_forward_hook(self._end),
        ]
        if anchor:
            self.hooks.append(module.register_forward_hook(self._keep_clusters))
        else:
            for name in ("k", "v"):
                part = getattr(module, f"W_{name}")
                self.hooks.append(part.register_forward_hook(lambda _m, i, _o, name=name: self._set(name, i[0])))

    def _set(self, name: str, value: torch.Tensor) -> None:
        self.out[f"{self.prefix}{name}"] = value

    def _keep_clusters(self, _module, _inputs, output) -> None:
        for name, value in zip(("k_row", "k_col", "v"), output):
            self._set(name, value)

    def _begin(self, _module, _inputs) -> None:
        self.calls: dict[str, list] = {"softmax": [], "conv1d": [], "diff": [], "sign": []}
        self.before = {name: self.space[name] for name in ("F", "torch", "STEFunction")}
        signs = self.before["STEFunction"]
        self.space["F"] = Recorder(self.before["F"], self.calls, ("softmax", "conv1d"))
        self.space["torch"] = Recorder(self.before["torch"], self.calls, ("diff",))
        self.space["STEFunction"] = Namespace(apply=lambda value: self.calls["sign"].append((value, signs.apply(value))) or self.calls["sign"][-1][1])

    def _end(self, _module, inputs, _output) -> None:
        self.space.update(self.before)
        (_, raw), (_, weights) = self.calls["softmax"][:2]
        (entropy, smoothed), (_, bend) = self.calls["conv1d"]
        boundaries = [found for given, found in self.calls["diff"][0::2]]
        regions = [found for given, found in self.calls["diff"][1::2]]
        tokens, (_, count, length) = raw.shape[1], weights.shape
        first = tokens % length // 2
        self._set("prob", raw + 1e-8)
        self._set("entropy", entropy.squeeze(1))
        self._set("smoothed", smoothed.squeeze(1))
        self._set("second_derivative", bend.squeeze(1))
        self._set("sign", self.calls["sign"][0][1].to(torch.uint8))
        self._set("boundaries", torch.stack([(edges != 0).to(torch.uint8) for edges in boundaries]))
        self._set("regions", torch.tensor([len(lengths) for lengths in regions]))
        means = torch.stack([lengths.float().mean() for lengths in regions])
        self._set("mean_region", means)
        self._set("cluster_length", torch.tensor([length]))
        self._set("used_range", torch.tensor([first, first + count * length]))
        self._set("weights", weights)
        self.margins.append(float((bend.abs() / bend.abs().max()).min()))
        self.margins.append(abs(float(means.mean()) % 1 - 0.5))

    def close(self) -> list[float]:
        for hook in self.hooks:
            hook.remove()
        return self.margins


class Recorder:
    """A module of torch that tells what some of its functions are given and give."""

    def __init__(self, module, calls: dict[str, list], names: tuple[str, ...]) -> None:
        self._module, self._calls, self._names = module, calls, names

    def __getattr__(self, name: str):
        original = getattr(self._module, name)
        if name not in self._names:
            return original

        def recorded(*args, **words):
            output = original(*args, **words)
            self._calls[name].append((args[0], output))
            return output

        return recorded
