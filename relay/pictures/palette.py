"""An image -> a small PNG: few colours, the same ones whatever there is to see."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image

MOST_BYTES = 60_000
_INKS = ("#000000", "#4d4d4d", "#D55E00", "#6b7f92")
_GROUNDS = ("#ffffff", "#ececec", "#b4c3d2", "#f7d9c4")
_LEVEL = 6  # 9 takes ten times as long for a tenth less
_STEPS = (6, 3, 1)  # shades between each ink and each ground; fewer if the file is too large


def packed(image: Image.Image) -> bytes:
    """Return the image as a PNG of at most MOST_BYTES. Raises ValueError if it has too much in it."""
    for steps in _STEPS:
        out = io.BytesIO()
        few = image.quantize(palette=_palette(steps), dither=Image.Dither.NONE)
        few.save(out, "PNG", compress_level=_LEVEL)
        if out.tell() <= MOST_BYTES:
            return out.getvalue()
    raise ValueError(f"a picture of {out.tell()} bytes, want at most {MOST_BYTES}")


@cache
def _palette(steps: int) -> Image.Image:
    shades = {
        _mixed(ink, ground, at / steps) for ink in _INKS for ground in _GROUNDS for at in range(steps + 1)
    }
    colours = sorted(shades)
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in colours for part in colour])
    return palette


def _mixed(ink: str, ground: str, share: float) -> tuple[int, ...]:
    one, other = (np.array([int(each[at : at + 2], 16) for at in (1, 3, 5)]) for each in (ink, ground))
    return tuple(int(part) for part in np.rint(share * one + (1 - share) * other))
