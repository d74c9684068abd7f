"""Times the classifier SHViT-S4 in PyTorch, with random weights: seconds of a picture do not depend on them.

A plain rendering of the published architecture (Yun and Ro, CVPR 2024), with batch norms folded into the convolutions and
depthwise residuals into their kernels, as its authors do before they measure. Prints one line of JSON.
"""

import argparse
import json
import time

import torch
from torch import nn

WIDTHS = (224, 336, 448)
BLOCKS = (4, 7, 6)
PARTIAL = (None, 72, 96)
KEYS = 16
CLASSES = 1000


def depthwise(width, stride=1):
    return nn.Conv2d(width, width, 3, stride, 1, groups=width)


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.expand = nn.Conv2d(width, 2 * width, 1)
        self.contract = nn.Conv2d(2 * width, width, 1)

    def forward(self, x):
        return x + self.contract(torch.relu(self.expand(x)))


class SingleHeadAttention(nn.Module):
    def __init__(self, width, partial):
        super().__init__()
        self.partial = partial
        self.norm = nn.GroupNorm(1, partial)
        self.qkv = nn.Conv2d(partial, 2 * KEYS + partial, 1)
        self.project = nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, 1))

    def forward(self, x):
        batch, width, rows, cols = x.shape
        seen, passed = torch.split(x, [self.partial, width - self.partial], 1)
        q, k, v = self.qkv(self.norm(seen)).split([KEYS, KEYS, self.partial], 1)
        q, k, v = q.flatten(2), k.flatten(2), v.flatten(2)
        weights = ((q.transpose(-2, -1) @ k) * KEYS**-0.5).softmax(-1)
        mixed = (v @ weights.transpose(-2, -1)).reshape(batch, self.partial, rows, cols)
        return x + self.project(torch.cat([mixed, passed], 1))


class Merge(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        hidden = 4 * width
        self.expand = nn.Conv2d(width, hidden, 1)
        self.halve = depthwise(hidden, 2)
        squeezed = max(8, (hidden // 4 + 4) // 8 * 8)
        self.squeeze = nn.Conv2d(hidden, squeezed, 1)
        self.excite = nn.Conv2d(squeezed, hidden, 1)
        self.contract = nn.Conv2d(hidden, out, 1)

    def forward(self, x):
        x = torch.relu(self.halve(torch.relu(self.expand(x))))
        gate = self.excite(torch.relu(self.squeeze(x.mean((2, 3), keepdim=True))))
        return self.contract(x * gate.sigmoid())


def shvit_s4():
    layers = []
    width = 3
    for i in range(4):
        out = WIDTHS[0] // 2 ** (3 - i)
        layers += [nn.Conv2d(width, out, 3, 2, 1)] + ([nn.ReLU()] if i < 3 else [])
        width = out
    for stage, (out, blocks, partial) in enumerate(zip(WIDTHS, BLOCKS, PARTIAL)):
        if stage > 0:
            layers += [depthwise(width), FeedForward(width), Merge(width, out), depthwise(out), FeedForward(out)]
        for _ in range(blocks):
            layers.append(depthwise(out))
            if partial is not None:
                layers.append(SingleHeadAttention(out, partial))
            layers.append(FeedForward(out))
        width = out
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, CLASSES)]
    return nn.Sequential(*layers).eval()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--side", type=int, required=True)
    parser.add_argument("--pictures", type=int, required=True)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(7)
    model = shvit_s4()
    picture = torch.randn(1, 3, args.side, args.side)
    times = []
    with torch.inference_mode():
        for _ in range(10):
            model(picture)
        for _ in range(args.pictures):
            start = time.perf_counter()
            model(picture)
            times.append(time.perf_counter() - start)
    parameters = sum(p.numel() for p in model.parameters())
    print(json.dumps({"ms": 1000 * sorted(times)[len(times) // 2], "parameters": parameters, "version": torch.__version__}))


main()
