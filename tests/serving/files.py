"""Generated image files of every kind."""

import io

import numpy as np
from PIL import Image


def picture(height, width, seed=0):
    """A smooth image with some noise."""
    random = np.random.RandomState(seed)
    shape = (max(2, height // 8), max(2, width // 8), 3)
    coarse = Image.fromarray(random.randint(0, 256, shape, np.uint8))
    pixels = np.asarray(coarse.resize((width, height), Image.BICUBIC))
    noise = random.randint(-20, 21, pixels.shape)
    return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def with_exif(image, kind, orientation):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    if orientation is not None:
        exif[0x0112] = orientation
    return encoded(image, kind, exif=exif)


def transparent(image, seed=0):
    random = np.random.RandomState(seed)
    alpha = random.randint(0, 256, image.size[::-1]).astype(np.uint8)
    result = image.copy()
    result.putalpha(Image.fromarray(alpha))
    return result


def kinds(height, width):
    """dict from a name to the bytes of a file."""
    image = picture(height, width)
    grey, clear = image.convert("L"), transparent(image)
    wide = np.asarray(grey).astype(np.uint16) * 201 + 77
    first = tuple(int(v) for v in np.asarray(image)[0, 0])
    found = {
        "jpeg": encoded(image, "JPEG", quality=90),
        "progressive": encoded(image, "JPEG", progressive=True),
        "grey jpeg": encoded(grey, "JPEG"),
        "inks": encoded(image.convert("CMYK"), "JPEG"),
        "jpeg and more": encoded(image, "JPEG") + b"left by a camera",
        "png": encoded(image, "PNG"),
        "grey png": encoded(grey, "PNG"),
        "transparent": encoded(clear, "PNG"),
        "grey transparent": encoded(clear.convert("LA"), "PNG"),
        "one clear color": encoded(image, "PNG", transparency=first),
        "one clear grey": encoded(grey, "PNG", transparency=99),
        "palette": encoded(image.convert("P"), "PNG"),
        "clear palette": encoded(image.convert("P"), "PNG", transparency=3),
        "one bit": encoded(image.convert("1"), "PNG"),
        "sixteen bits": encoded(Image.fromarray(wide), "PNG"),
        "exif without orientation": with_exif(image, "JPEG", None),
    }
    for bits in (1, 2, 4):
        few = image.convert("P", palette=Image.ADAPTIVE, colors=2**bits)
        found[f"palette of {bits} bits"] = encoded(few, "PNG", bits=bits)
    for orientation in range(10):
        found[f"turned {orientation}"] = with_exif(image, "JPEG", orientation)
    for orientation in (1, 6):
        name = f"turned png {orientation}"
        found[name] = with_exif(image, "PNG", orientation)
    return found


def corrupt(count, seed=0):
    """`count` byte strings that are no complete JPEG or PNG.

    Truncated, random, random after a signature, other formats, and empty.
    """
    random = np.random.RandomState(seed)
    image = picture(40, 50)
    whole = [
        encoded(image, "JPEG"),
        encoded(image, "JPEG", progressive=True),
        encoded(image, "PNG"),
        with_exif(image, "JPEG", 6),
        encoded(transparent(image), "PNG"),
    ]
    others = [encoded(image, k) for k in ("GIF", "BMP", "TIFF", "WEBP")]
    starts = [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", whole[0][:200], b""]
    starts += [whole[2][:33], b"\xff\xd8\xff\xe1\x00\x20Exif\0\0II*\0"]
    found = [b"", b"\0", b"<svg/>", *others]
    found += [data[:n] for data in whole[1:3] for n in range(1, 12)]
    while len(found) < count:
        which = random.randint(3)
        if which == 0:
            data = whole[random.randint(len(whole))]
            found.append(data[: random.randint(1, len(data))])
        elif which == 1:
            start = starts[random.randint(len(starts))]
            found.append(start + random.bytes(random.randint(1, 4000)))
        else:
            other = others[random.randint(len(others))]
            found.append(other[: random.randint(1, len(other))])
    return found[:count]
