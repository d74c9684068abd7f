"""Training canvases composed on the device, a whole batch at a time.

A canvas is a grid of pictures (1x1, 2x2, ...), each cropped, stretched, flipped and recoloured on its own, with a few
objects of other pictures pasted over it. Every part is an axis-parallel map from canvas to picture, so one gather per
corner of the bilinear sample draws all of them.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import torch
from torch import Tensor

from data import LABEL, NONE, OBJECTS, TEACHER, UNJUDGED, Store, compact

FILL = 114.0
PASTED = 2  # pasted objects per canvas at most
# (height, width, canvases, grid of pictures, odds): mostly single pictures as large as photographs are stored, and
# some mosaics of small objects.
SIZES = (
    (240, 320, 32, (1, 1), 10.0), (320, 240, 32, (1, 1), 4.0), (256, 336, 28, (1, 1), 2.0), (320, 320, 24, (2, 2), 1.0),
    (384, 384, 16, (2, 2), 1.0), (480, 640, 8, (2, 2), 1.0), (480, 640, 8, (2, 3), 1.0), (480, 640, 8, (3, 4), 0.6),
)  # fmt: skip


@dataclass
class Canvases:
    images: Tensor  # [B, 3, H, W] in [0, 255]
    boxes: Tensor  # [B, M, 4] xyxy, pixels; M at most OBJECTS
    soft: Tensor  # [B, M, C]
    kind: Tensor  # [B, M]


def uniform(shape: tuple[int, ...], low: float, high: float, device: torch.device) -> Tensor:
    return torch.rand(shape, device=device) * (high - low) + low


def lines(batch: int, parts: int, length: int, device: torch.device) -> Tensor:
    """Borders of a jittered grid along one axis, [B, parts + 1]."""
    inner = torch.arange(1, parts, device=device) + uniform((batch, parts - 1), -0.2, 0.2, device)
    edges = torch.zeros(batch, parts + 1, device=device)
    edges[:, 1:-1] = (inner * length / parts).round()
    edges[:, -1] = length
    return edges


def grid_parts(store: Store, batch: int, h: int, w: int, grid: tuple[int, int], device: torch.device) -> dict[str, Tensor]:
    """Which picture fills which rectangle, and how: every value [B, T]."""
    rows, cols = grid
    t = rows * cols
    xs, ys = lines(batch, cols, w, device), lines(batch, rows, h, device)
    part = {
        "x0": xs[:, :-1].repeat(1, rows), "x1": xs[:, 1:].repeat(1, rows),
        "y0": ys[:, :-1].repeat_interleave(cols, 1), "y1": ys[:, 1:].repeat_interleave(cols, 1),
        "picture": pictures(store, (batch, t)),
    }  # fmt: skip
    size = store.size[part["picture"]]
    room = torch.stack([part["x1"] - part["x0"], part["y1"] - part["y0"]], -1)
    low, high = (0.6, 1.8) if t == 1 else (0.9, 2.0)
    longest = room.amax(-1) * uniform((batch, t), math.log(low), math.log(high), device).exp()
    scale = longest / size.amax(-1)
    stretch = uniform((batch, t), -0.2, 0.2, device).exp()
    scales = torch.stack([scale * stretch, scale / stretch], -1)
    slack = room - size * scales  # negative where the picture is larger than its rectangle
    free = torch.rand(batch, t, 2, device=device) * slack
    middle = chosen_box(store, part["picture"]).unflatten(-1, (2, 2)).mean(-2)
    aimed = uniform((batch, t, 2), 0.25, 0.75, device) * room - middle * scales
    aimed = torch.minimum(torch.maximum(aimed, slack.clamp(max=0)), slack.clamp(min=0))
    shift = torch.where(torch.rand(batch, t, 1, device=device) < 0.8, aimed, free)
    part |= {"sx": scales[..., 0], "sy": scales[..., 1], "px": part["x0"] + shift[..., 0], "py": part["y0"] + shift[..., 1]}
    return part | {"flip": torch.rand(batch, t, device=device) < 0.5}


def pictures(store: Store, shape: tuple[int, int]) -> Tensor:
    """Random pictures by weight, with replacement; `torch.multinomial` would wait for the device."""
    draw = torch.rand(shape, device=store.odds.device) * store.odds[-1]
    return torch.searchsorted(store.odds, draw).clamp(max=len(store.odds) - 1)


def chosen_box(store: Store, picture: Tensor) -> Tensor:
    """A random object of each picture (any box where it has none), [B, T, 4]."""
    kind = store.kind[picture]
    odds = ((kind == LABEL) | (kind == TEACHER)) * store.soft[picture].amax(-1) + 1e-6
    index = (odds / torch.empty_like(odds).exponential_()).argmax(-1)[..., None, None]
    return store.boxes[picture].gather(2, index.expand(-1, -1, 1, 4))[:, :, 0]


def pasted_parts(store: Store, batch: int, h: int, w: int, device: torch.device) -> dict[str, Tensor]:
    """Objects cut out with a little margin, 24 to 200 pixels high, anywhere on the canvas."""
    shape = (batch, PASTED)
    picture = pictures(store, shape)
    box = chosen_box(store, picture)
    extent = (box[..., 2:] - box[..., :2]).clamp(min=1)
    high = uniform(shape, math.log(24), math.log(200), device).exp().clamp(max=0.6 * h)
    scale = (high / extent[..., 1]).clamp(max=3) * torch.clamp(0.6 * w / (extent[..., 0] * high / extent[..., 1]), max=1)
    margin = extent * uniform((*shape, 2), 0.02, 0.15, device)
    rect = (extent + 2 * margin) * scale[..., None]
    room = torch.stack([w - rect[..., 0], h - rect[..., 1]], -1)
    corner = (torch.rand(*shape, 2, device=device) * room).round()
    active = (torch.rand(shape, device=device) < 0.35) & (extent.amin(-1) > 8)
    far = corner + torch.where(active[..., None], rect, torch.zeros_like(rect))
    flip = torch.rand(shape, device=device) < 0.5
    size = store.size[picture]
    left = torch.where(flip, size[..., 0] - box[..., 2], box[..., 0])
    origin = corner - (torch.stack([left, box[..., 1]], -1) - margin) * scale[..., None]
    return {
        "x0": corner[..., 0], "y0": corner[..., 1], "x1": far[..., 0], "y1": far[..., 1], "picture": picture,
        "sx": scale, "sy": scale, "px": origin[..., 0], "py": origin[..., 1], "flip": flip,
    }  # fmt: skip


def part_of_pixels(part: dict[str, Tensor], grid: tuple[int, int], h: int, w: int) -> Tensor:
    """Index of the topmost part over every pixel, [B, H, W]; pasted parts, behind the grid's, lie on top."""
    rows, cols = grid
    device = part["x0"].device
    x, y = torch.arange(w, device=device) + 0.5, torch.arange(h, device=device) + 0.5
    col = (x > part["x1"][:, : cols - 1, None]).sum(1)  # [B, W]
    row = (y > part["y1"][:, : (rows - 1) * cols : cols, None]).sum(1)
    owner = row[:, :, None] * cols + col[:, None]
    for t in range(rows * cols, part["x0"].shape[1]):
        in_x = (x > part["x0"][:, t, None]) & (x < part["x1"][:, t, None])
        in_y = (y > part["y0"][:, t, None]) & (y < part["y1"][:, t, None])
        owner.masked_fill_(in_y[:, :, None] & in_x[:, None], t)
    return owner


def draw(store: Store, part: dict[str, Tensor], grid: tuple[int, int], h: int, w: int) -> Tensor:
    """[B, 3, H, W] in [0, 255], channels last, half precision on a GPU; FILL where a picture does not reach."""
    picture = part["picture"]
    batch, t = picture.shape
    device = picture.device
    kind = torch.float16 if picture.is_cuda else torch.float32
    size = store.size[picture]
    blur = (torch.rand(batch, t, device=device) < 0.1).float()
    level = ((1 / torch.minimum(part["sx"], part["sy"])).log2() + 0.4 + blur).floor().clamp(0, 2).long()
    width, height = (size[..., k].long().div(2**level, rounding_mode="floor").clamp(min=1) for k in (0, 1))
    # source u = au * X + bu in pixels of the chosen level
    au = torch.where(part["flip"], -1.0, 1.0) * width / size[..., 0] / part["sx"]
    av = height / size[..., 1] / part["sy"]
    bu = torch.where(part["flip"], width.float(), 0.0) - au * part["px"]
    bv = -av * part["py"]
    owner = part_of_pixels(part, grid, h, w).view(batch, h * w)

    def spread(values: Tensor) -> Tensor:
        """One value per part -> one per pixel."""
        return values.gather(1, owner).view(batch, h, w)

    wide, high = spread(width.float()), spread(height.float())
    u = spread(au) * (torch.arange(w, device=device) + 0.5) + spread(bu)
    v = spread(av) * (torch.arange(h, device=device) + 0.5)[:, None] + spread(bv)
    outside = (u < 0) | (u > wide) | (v < 0) | (v > high)
    u, v = (u - 0.5).clamp_(min=0), (v - 0.5).clamp_(min=0)
    u0, v0 = torch.minimum(u.floor(), wide - 1), torch.minimum(v.floor(), high - 1)
    du, dv = ((a - b).clamp_(max=1).to(kind)[..., None] for a, b in ((u, u0), (v, v0)))
    right = (u0 < wide - 1).long()
    stride = wide.long()
    below = torch.where(v0 < high - 1, stride, 0)
    first = spread(store.start[picture].gather(2, level[..., None])[..., 0]) + v0.long() * stride + u0.long()

    def colours(index: Tensor) -> Tensor:
        """[B, H, W] -> [B, H, W, 4]: red, green, blue and an empty byte."""
        return store.pixels[index].view(torch.uint8).view(batch, h, w, 4).to(kind)

    top = colours(first).lerp_(colours(first + right), du)
    first += below
    image = top.lerp_(colours(first).lerp_(colours(first + right), du), dv)
    plain = torch.rand(batch, t, 1, device=device) < 0.35
    gain = uniform((batch, t, 1), 0.65, 1.4, device) * uniform((batch, t, 4), 0.92, 1.08, device)
    gain, shift = torch.where(plain, 1.0, gain).to(kind), torch.where(plain, 0.0, uniform((batch, t, 1), -25, 25, device))
    grey = torch.where(torch.rand(batch, t, device=device) < 0.35, torch.rand(batch, t, device=device), 0.0).to(kind)
    image = torch.lerp(image, image[..., :3].mean(-1, keepdim=True), spread(grey)[..., None])
    offset = (128 - 128 * gain.float() + shift).to(kind)
    wide_owner = owner[..., None].expand(-1, -1, 4)
    image = image * gain.gather(1, wide_owner).view(image.shape) + offset.gather(1, wide_owner).view(image.shape)
    image = image.clamp_(0, 255).masked_fill_(outside[..., None], FILL)
    return image[..., :3].permute(0, 3, 1, 2)


def place(store: Store, part: dict[str, Tensor], over: int, limit: int) -> tuple[Tensor, Tensor, Tensor]:
    """Objects of all parts in canvas pixels; the last `over` parts hide what lies below them."""
    picture = part["picture"]
    batch, t = picture.shape
    box, soft, kind = store.boxes[picture], store.soft[picture], store.kind[picture].long()
    x = box[..., 0::2]
    x = torch.where(part["flip"][..., None, None], store.size[picture][..., 0][..., None, None] - x.flip(-1), x)
    corners = torch.stack([x * part["sx"][..., None, None] + part["px"][..., None, None],
                           box[..., 1::2] * part["sy"][..., None, None] + part["py"][..., None, None]], -1)  # fmt: skip
    rect = torch.stack([part[k] for k in ("x0", "y0", "x1", "y1")], -1)  # [B, T, 4]
    full = (corners[..., 1, :] - corners[..., 0, :]).clamp(min=1e-3).prod(-1)
    low = torch.maximum(corners[..., 0, :], rect[:, :, None, :2])
    high = torch.minimum(corners[..., 1, :], rect[:, :, None, 2:])
    extent = (high - low).clamp(min=0)
    area = extent.prod(-1)
    hidden = torch.zeros_like(area)
    for k in range(t - over, t):
        top = rect[:, k, None, None]
        both = (torch.minimum(high, top[..., 2:]) - torch.maximum(low, top[..., :2])).clamp(min=0).prod(-1)
        hidden[:, :k] += both[:, :k]
    seen = (area - hidden).clamp(min=0) / full
    kind = still_judged(kind, seen, extent)
    boxes = torch.cat([low, high], -1)
    return compact(boxes.flatten(1, 2), soft.flatten(1, 2), kind.flatten(1, 2), limit)


def still_judged(kind: Tensor, seen: Tensor, extent: Tensor) -> Tensor:
    """The kind of objects of which a share `seen` is visible, `extent` [..., 2] pixels large."""
    side = extent.amin(-1)
    gone = (seen < 0.05) | (side < 2) | ((kind == TEACHER) & ((seen < 0.3) | (side < 5)))
    faint = (seen < 0.25) | (side < 5)
    return torch.where(gone, NONE, torch.where(faint & (kind == LABEL), UNJUDGED, kind))


@torch.no_grad()
def compose(store: Store, batch: int, h: int, w: int, grid: tuple[int, int]) -> Canvases:
    """grid is (rows, columns) of pictures."""
    device = store.pixels.device
    below, above = grid_parts(store, batch, h, w, grid, device), pasted_parts(store, batch, h, w, device)
    part = {k: torch.cat([below[k], above[k]], 1) for k in below}
    images = draw(store, part, grid, h, w)
    grain = uniform((batch, 1, 1, 1), 0, 8, device) * (torch.rand(batch, 1, 1, 1, device=device) < 0.3)
    images = torch.addcmul(images, torch.randn_like(images), grain.to(images.dtype)).clamp_(0, 255)
    return Canvases(images, *place(store, part, PASTED, OBJECTS if h * w > 320 * 320 else OBJECTS // 2))


def like_photographs(store: Store, batch: float = 1.0) -> Canvases:
    """Canvases of one of SIZES, drawn by its odds; `batch` is a factor on how many."""
    h, w, n, grid, _ = random.choices(SIZES, [s[4] for s in SIZES])[0]
    return compose(store, max(2, round(n * batch)), h, w, grid)


def mirrored(canvases: Canvases) -> Canvases:
    """The same canvases seen in a mirror: a second step from one composition."""
    w = canvases.images.shape[3]
    x0, y0, x1, y1 = canvases.boxes.unbind(2)
    boxes = torch.stack([w - x1, y0, w - x0, y1], 2)
    images = canvases.images.flip(3).contiguous(memory_format=torch.channels_last)
    return Canvases(images, boxes, canvases.soft, canvases.kind)


def cropped(canvases: Canvases, x: int, y: int, h: int, w: int) -> Canvases:
    """The same part, h x w at (x, y), of every canvas."""
    low = torch.tensor([x, y, x, y], device=canvases.boxes.device)
    boxes, limit = canvases.boxes - low, torch.tensor([w, h, w, h], device=low.device)
    whole = (boxes[..., 2:] - boxes[..., :2]).prod(-1).clamp(min=1e-6)
    boxes = torch.minimum(boxes.clamp(min=0), limit)
    extent = boxes[..., 2:] - boxes[..., :2]
    kind = still_judged(canvases.kind, extent.prod(-1) / whole, extent)
    return Canvases(canvases.images[:, :, y : y + h, x : x + w], boxes, canvases.soft, kind)


def earlier(images: Tensor, patch: int = 16, window: int = 31) -> tuple[Tensor, Tensor]:
    """A previous frame for each canvas and the tokens a cache would recompute since then.

    In one or two rectangles something else was seen; everywhere lies sensor noise; a third of the cameras moved a
    little. Returns frames like `images` and a mask [B, N]: windows that touch a rectangle, and a few at random.
    """
    b, _, h, w = images.shape
    device = images.device
    still = torch.rand(b, 1, 1, 1, device=device) < 0.7
    before = torch.where(still, images, torch.roll(images, (1, 2), (2, 3)))
    before = torch.addcmul(before, torch.randn_like(before), uniform((b, 1, 1, 1), 0, 4, device).to(before.dtype))
    x, y = torch.arange(w, device=device), torch.arange(h, device=device)
    left = torch.arange(w // patch, device=device) * patch - 7
    top = torch.arange(h // patch, device=device) * patch - 7
    fresh = torch.rand(b, h // patch, w // patch, device=device) < uniform((b, 1, 1), 0, 0.15, device)
    for k in range(2):
        wide, high = uniform((b, 1), 0.08, 0.5, device) * w, uniform((b, 1), 0.08, 0.6, device) * h
        x0, y0 = torch.rand(b, 1, device=device) * (w - wide), torch.rand(b, 1, device=device) * (h - high)
        in_x, in_y = (x >= x0) & (x < x0 + wide), (y >= y0) & (y < y0 + high)
        before = torch.where((in_y[:, :, None] & in_x[:, None])[:, None], images.roll(k + 1, 0), before)
        hit_x, hit_y = (left + window > x0) & (left < x0 + wide), (top + window > y0) & (top < y0 + high)
        fresh = fresh | (hit_y[:, :, None] & hit_x[:, None])
    return before.clamp(0, 255), fresh.flatten(1)
