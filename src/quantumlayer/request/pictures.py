"""Pictures as strangers send them → small, plain pictures to be shown to a model. Nothing of the original file is kept."""

import base64
import io
import warnings

from PIL import Image, ImageOps

from quantumlayer.errors import UserError
from quantumlayer.request.values import Picture

MOST_BYTES = 20_000_000
MOST_PIXELS = 40_000_000
LEAST_SIDE, MOST_SIDE = 16, 2048
MOST_PICTURES = 8
# Beyond this a PNG becomes a JPEG.
MOST_PNG = 3_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_HINT = "pass a PNG, JPEG, WebP or GIF file of one still picture"


def checked_picture(name: str, content: bytes) -> Picture:
    """The picture in RGB, upright, at most `MOST_SIDE` pixels wide and high, drawn anew: without EXIF, comments, trailing
    bytes.

    Raises `UserError` for what is no picture, too large in bytes or pixels, tiny, moving, or broken off.
    """
    if not content:
        raise UserError(f"{name} is empty", hint=_HINT)
    if len(content) > MOST_BYTES:
        raise UserError(f"{name} is larger than {MOST_BYTES // 1_000_000} MB", hint="make it smaller, or take a part of it")
    try:
        with warnings.catch_warnings():
            # The limit of the library itself only warns.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _drawn(name, content)
    except UserError:
        raise
    except Exception as error:
        # Decoders raise whatever comes to their minds when a file is damaged.
        raise UserError(f"{name} is no picture that can be read: {_why(error)}", hint=_HINT) from None


def _drawn(name: str, content: bytes) -> Picture:
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise UserError(
                f"{name} has {width:,} × {height:,} pixels; at most {MOST_PIXELS:,} are read", hint="scale it down, or crop it"
            )
        if min(width, height) < LEAST_SIDE:
            raise UserError(f"{name} has {width} × {height} pixels: nothing can be seen in it", hint=_HINT)
        if getattr(image, "is_animated", False):
            raise UserError(f"{name} moves: it has more than one frame", hint="save the frame that matters as a PNG")
        image.draft("RGB", (MOST_SIDE, MOST_SIDE))
        image.load()
        upright = ImageOps.exif_transpose(image)
    layered = upright.convert("RGBA")
    layered.thumbnail((MOST_SIDE, MOST_SIDE))
    plain = Image.new("RGB", layered.size, "white")
    plain.paste(layered, mask=layered.getchannel("A"))
    media_type, data = "image/png", _saved(plain, "PNG")
    if len(data) > MOST_PNG:
        media_type, data = "image/jpeg", _saved(plain, "JPEG")
    return Picture(name=name, media_type=media_type, data=base64.b64encode(data))


def _saved(image: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, quality=90)
    return out.getvalue()


def _why(error: Exception) -> str:
    told = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
    return "it is none of " + ", ".join(FORMATS) if "cannot identify" in told else told
