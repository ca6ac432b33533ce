"""How many bits a channel of an image file has, even if Pillow silently cuts them to 8."""

import re
from typing import BinaryIO

from PIL import Image
from PIL.TiffImagePlugin import BITSPERSAMPLE, TiffImageFile

# "RGB;16" and "BGR;16" hold a whole pixel in 16 bits, and the others one channel.
_WIDE_RAW = re.compile(r"(?!(RGB|BGR);16$)\w+;(16|32)[BLNSF]*")
_HEAD = 1 << 16


def bits_per_channel(image: Image.Image, stream: BinaryIO) -> int:
    """The bits of the widest channel, or 8 if the format has at most 8.

    `image` is opened but not yet loaded; `stream` is its file, and keeps its position.
    """
    if image.mode.startswith(("I", "F")):
        return 16 if "16" in image.mode else 32
    widest = [_bits_of_tile(tile) for tile in getattr(image, "tile", ())]
    if isinstance(image, TiffImageFile):
        given = image.tag_v2.get(BITSPERSAMPLE, (8,))
        widest += [bits for bits in given if isinstance(bits, int)]
    if image.format in ("JPEG2000", "AVIF", "ICO", "ICNS"):
        widest.append(_bits_in_header(_head(stream)))
    return max(widest, default=8)


def _bits_of_tile(tile: tuple) -> int:
    codec, _, _, arguments = tile
    parts = arguments if isinstance(arguments, tuple) else (arguments,)
    if codec.startswith("ppm") and isinstance(parts[-1], int):
        return parts[-1].bit_length()  # the largest value
    if codec == "SGI16" or (codec == "bcn" and parts[0] == 6):
        return 16
    wide = any(isinstance(part, str) and _WIDE_RAW.fullmatch(part) for part in parts)
    return 16 if wide else 8


def _head(stream: BinaryIO) -> bytes:
    place = stream.tell()
    stream.seek(0)
    head = stream.read(_HEAD)
    stream.seek(place)
    return head


def _bits_in_header(head: bytes) -> int:
    """The largest depth that the headers of PNG, JPEG 2000 and AV1 images in these bytes name."""
    bits = [head[found.end()] for found in re.finditer(rb"IHDR.{8}(?=[\x01-\x10])", head, re.S)]
    for found in re.finditer(rb"\xff\x4f\xff\x51.{36}(?P<channels>..)", head, re.S):
        count = min(int.from_bytes(found["channels"], "big"), 4)
        bits += [(each & 0x7F) + 1 for each in head[found.end() :][: 3 * count : 3]]
    for found in re.finditer(rb"av1C..(?P<flags>.)", head, re.S):
        deep, twelve = found["flags"][0] & 0x40, found["flags"][0] & 0x20
        bits.append(12 if deep and twelve else 10 if deep else 8)
    return max(bits, default=8)
