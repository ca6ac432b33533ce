"""The operations of AutoAugment and RandAugment on one PIL image, from their papers' definitions.

`level` is in [0, 1]; nothing here uses lnlbench or torchvision.
"""

import math

from PIL import Image, ImageDraw, ImageEnhance, ImageOps

SHEAR, TRANSLATE, ROTATE, ENHANCE = 0.3, 150 / 331, 30, 0.9
ENHANCERS = {
    "brightness": ImageEnhance.Brightness,
    "color": ImageEnhance.Color,
    "contrast": ImageEnhance.Contrast,
    "sharpness": ImageEnhance.Sharpness,
}


def operate(image, name, level, sign, fill, interpolation):
    signed = sign * level
    fill = (fill,) * len(image.getbands()) if len(image.getbands()) > 1 else fill

    def affine(*matrix):
        return image.transform(
            image.size, Image.Transform.AFFINE, matrix, interpolation, fillcolor=fill
        )

    if name == "identity":
        return image
    if name == "shear-x":
        return affine(1, signed * SHEAR, 0, 0, 1, 0)
    if name == "shear-y":
        return affine(1, 0, 0, signed * SHEAR, 1, 0)
    if name == "translate-x":
        return affine(1, 0, signed * TRANSLATE * image.size[0], 0, 1, 0)
    if name == "translate-y":
        return affine(1, 0, 0, 0, 1, signed * TRANSLATE * image.size[1])
    if name == "rotate":
        return image.rotate(signed * ROTATE, Image.Resampling.NEAREST, fillcolor=fill)
    if name in ENHANCERS:
        return ENHANCERS[name](image).enhance(1 + signed * ENHANCE)
    if name == "posterize":
        return ImageOps.posterize(image, math.floor(8 - 4 * level + 0.5))
    if name == "solarize":
        return ImageOps.solarize(image, 256 * (1 - level))
    plain = {"autocontrast": ImageOps.autocontrast, "equalize": ImageOps.equalize}
    return {**plain, "invert": ImageOps.invert}[name](image)


def cutout(image, left, top, side, color):
    painted = image.copy()
    corners = (left, top, left + side - 1, top + side - 1)
    ImageDraw.Draw(painted).rectangle(corners, fill=color)
    return painted
