"""Run alone, confined: a picture on standard input is drawn anew; a line of JSON and the new picture on standard output.

It imports nothing of ours: inside the sandbox there is Pillow, the standard library and this file.
"""

import io
import json
import sys
import warnings

from PIL import Image, ImageOps

MOST_PIXELS = 40_000_000
LEAST_SIDE, MOST_SIDE = 16, 2048
# Beyond this a PNG becomes a JPEG.
MOST_PNG = 3_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
# The limit of the library itself only warns; ours is told in a sentence.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


class Unfit(Exception):
    """What is wrong with the picture: a sentence whose subject is its name, and what helps."""


def draw(content: bytes) -> tuple[str, bytes]:
    """The media type and the bytes of the picture in RGB, upright, at most `MOST_SIDE` pixels wide and high, without EXIF,
    comments, trailing bytes. Raises `Unfit`."""
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise Unfit(f"has {width:,} × {height:,} pixels; at most {MOST_PIXELS:,} are read", "scale it down, or crop it")
        if min(width, height) < LEAST_SIDE:
            raise Unfit(f"has {width} × {height} pixels: nothing can be seen in it")
        if getattr(image, "is_animated", False):
            raise Unfit("moves: it has more than one frame", "save the frame that matters as a PNG")
        image.draft("RGB", (MOST_SIDE, MOST_SIDE))
        image.load()
        upright = ImageOps.exif_transpose(image)
    layered = upright.convert("RGBA")
    layered.thumbnail((MOST_SIDE, MOST_SIDE))
    plain = Image.new("RGB", layered.size, "white")
    plain.paste(layered, mask=layered.getchannel("A"))
    data = saved(plain, "PNG")
    return ("image/png", data) if len(data) <= MOST_PNG else ("image/jpeg", saved(plain, "JPEG"))


def saved(image: Image.Image, kind: str) -> bytes:
    """The picture as a file."""
    out = io.BytesIO()
    image.save(out, kind, quality=90)
    return out.getvalue()


def why(error: Exception) -> str:
    """The first line of what a decoder says."""
    told = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
    return "it is none of " + ", ".join(FORMATS) if "cannot identify" in told else told


def answer(content: bytes) -> bytes:
    """What is said of a picture. Never fails: decoders raise whatever comes to their minds when a file is damaged."""
    told: dict[str, str] = {}
    data = b""
    try:
        told["media_type"], data = draw(content)
    except Unfit as error:
        told["unfit"], told["hint"] = error.args[0], error.args[1] if len(error.args) > 1 else ""
    except Exception as error:
        told["unfit"] = f"is no picture that can be read: {why(error)}"
    return json.dumps(told).encode() + b"\n" + data


if __name__ == "__main__":
    sys.stdout.buffer.write(answer(sys.stdin.buffer.read()))
