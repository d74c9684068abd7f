"""ResNets of torchvision's layout in widths of a case's own."""

from __future__ import annotations

from torch import nn
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.resnet import Bottleneck, ResNet


class TinyResNet(ResNet):
    def __init__(self, stem: int, planes: list[int], blocks: list[int], norm: type, dilation: bool = False) -> None:
        super().__init__(Bottleneck, [1, 1, 1, 1], norm_layer=norm, replace_stride_with_dilation=[False, False, dilation])
        self.inplanes, self.dilation = stem, 1
        self.conv1 = nn.Conv2d(3, stem, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = norm(stem)
        for i, (width, count) in enumerate(zip(planes, blocks)):
            stride = 1 if i == 0 else 2
            layer = self._make_layer(Bottleneck, width, count, stride=stride, dilate=dilation and i == 3)
            setattr(self, f"layer{i + 1}", layer)


def backbone_of(config: dict, base: type, norm: type, layers: tuple[int, ...]):
    """The authors' backbone (`base`, a BackboneBase) over a tiny ResNet that gives the maps of `layers`."""

    class Tiny(base):
        def __init__(self) -> None:
            nn.Module.__init__(self)
            blocks = config.get("blocks", [1, 1, 1, 1])
            body = TinyResNet(config["stem"], config["planes"], blocks, norm, config.get("dilation", False))
            self.body = IntermediateLayerGetter(body, {f"layer{layer}": str(i) for i, layer in enumerate(layers)})
            self.strides = [2 ** (layer + 1) for layer in layers]
            channels = [4 * config["planes"][layer - 1] for layer in layers]
            self.num_channels = channels if len(layers) > 1 else channels[-1]

    return Tiny()
