"""Which format a picture file has by its content, and whether it is whole.

A file that was cut anywhere is not whole, even if only its last bytes are
missing: the formats say where they end. Bytes behind that end do not matter;
cameras put further data there.
"""

import collections.abc
import zlib

from noisy_keras.utils.errors import ConfigurationError

#: Suffixes of file names that count as pictures when a folder is listed. What a
#: file contains is decided by its content alone.
EXTENSIONS = (
    ".avif",
    ".bmp",
    ".dib",
    ".gif",
    ".heic",
    ".heif",
    ".hif",
    ".jfif",
    ".jp2",
    ".jpe",
    ".jpeg",
    ".jpg",
    ".mpo",
    ".pbm",
    ".pgm",
    ".png",
    ".pnm",
    ".ppm",
    ".tif",
    ".tiff",
    ".webp",
)
#: The formats by name, for messages.
FORMATS = "JPEG, PNG, GIF, BMP, WebP, TIFF, PPM, JPEG 2000, AVIF or HEIC"
#: Number of bytes from the start of a file that `format_of` looks at.
START = 64
#: Number of bytes from the end of a file that `is_ended` looks at.
END = 16

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_JPEG_END = b"\xff\xd9"
_JP2 = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_PPM = tuple(b"P" + kind for kind in (b"1", b"2", b"3", b"4", b"5", b"6"))
# Number of zeros at the end that are no part of a compressed picture.
_ZEROS = 64
# Number of pages that are followed.
_PAGES = 1000
_AVIF = (b"avif", b"avis")
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def format_of(start: bytes) -> str | None:
    """Recognises a format by its signature.

    Args:
        start: bytes, the first `START` bytes of a file, or all of them.

    Returns:
        The name of the format, or None.
    """
    if start[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if start[:8] == _PNG:
        return "PNG"
    if start[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if start[:2] == b"BM":
        return "BMP"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    if start[:4] in _TIFF:
        return "TIFF"
    if start[:2] in _PPM and start[2:3].isspace():
        return "PPM"
    if start[:12] == _JP2 or start[:4] == b"\xff\x4f\xff\x51":
        return "JPEG 2000"
    if start[4:8] == b"ftyp":
        brands = [start[k : k + 4] for k in range(8, START, 4)]
        if any(brand in _AVIF for brand in brands):
            return "AVIF"
        if any(brand in _HEIC for brand in brands):
            return "HEIC"
    return None


def check(data: bytes) -> str:
    """Checks that a file is a picture and reaches to the end of its format.

    Args:
        data: bytes of the file.

    Returns:
        The name of the format.

    Raises:
        ValueError: the file is empty, in no known format, or its end is
            missing.
    """
    if not data:
        raise ConfigurationError("empty file")
    name = format_of(data[:START])
    if name is None:
        raise ConfigurationError(f"not {FORMATS}")
    if not _WHOLE.get(name, _always)(data):
        raise ConfigurationError(f"{name} file whose end is missing")
    return name


def is_ended(start: bytes, end: bytes, size: int) -> bool | None:
    """Whether a file is whole, as far as its start and its end tell.

    Args:
        start: bytes, the first `START` bytes.
        end: bytes, the last `END` bytes.
        size: int, size of the file in bytes.

    Returns:
        bool, or None where that takes all bytes.
    """
    name = format_of(start)
    if name == "JPEG":
        return True if end[-2:] == _JPEG_END else None
    if name == "PNG":
        return True if end[-12:] == _PNG_END else None
    if name == "GIF":
        return True if end[-1:] == b";" else None
    if name == "BMP":
        return _little(start[2:6]) <= size
    if name == "WebP":
        if not any(end):  # Maybe zeros of an unfinished download.
            return None
        return _little(start[4:8]) + 8 <= size
    return True if name == "PPM" else None


def jpeg_scan(data: bytes) -> int:
    """Position of the first scan of a JPEG file, 0 where there is none.

    Up to it, each marker is followed by the length of its segment (ITU-T T.81,
    B.1). The served graph has the same loop.
    """
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xDA:
            return position
        if marker == 0xFF:  # Fill bytes may precede a marker.
            position += 1
        else:
            length = data[position + 2 : position + 4]
            position += 2 + int.from_bytes(length, "big")
    return 0


def _jpeg(data):
    # Between the first scan and the end, 0xFF is followed by another byte than
    # 0xD9. Before it are thumbnails, which have an end of their own.
    if data[-2:] == _JPEG_END:
        return True
    scan = jpeg_scan(data)
    return scan > 0 and data.find(_JPEG_END, scan) > 0


def _png(data):
    """Follows the chunks of a PNG file to its last one, IEND.

    The checksums of critical chunks are checked, which Pillow does not do for
    all of them (PNG specification, third edition, 5.3).
    """
    view, position = memoryview(data), len(_PNG)
    while position + 12 <= len(data):
        kind = data[position + 4 : position + 8]
        length = int.from_bytes(view[position : position + 4], "big")
        end = position + 8 + length
        if end + 4 > len(data):
            return False
        if not kind[0] & 0x20:
            found = zlib.crc32(view[position + 4 : end])
            if found != int.from_bytes(view[end : end + 4], "big"):
                return False
        if kind == b"IEND":
            return True
        position = end + 4
    return False


def _gif(data):
    """Follows the blocks of a GIF file to its trailer (GIF89a, 17 to 27)."""

    def palette(position):
        flags = data[position]
        return 3 << ((flags & 7) + 1) if flags & 0x80 else 0

    try:
        position = 13 + palette(10)
        while data[position] != 0x3B:
            if data[position] == 0x2C:
                position += 11 + palette(position + 9)
            elif data[position] == 0x21:
                position += 2
            else:
                return False
            while data[position]:
                position += data[position] + 1
            position += 1
    except IndexError:
        return False
    return True


def _bmp(data):
    # Some programs leave the size 0.
    return _little(data[2:6]) <= len(data)


def _webp(data):
    return _little(data[4:8]) + 8 <= len(data) and not _is_blank(data)


def _tiff(data):
    """Follows the directories of the pages of a TIFF file (TIFF 6.0, 2)."""
    order = "little" if data[:1] == b"I" else "big"
    if data[2:4] not in (b"*\0", b"\0*"):
        return True  # BigTIFF, which its decoder checks.

    def number(position, size):
        return int.from_bytes(data[position : position + size], order)

    position, pages = number(4, 4), 0
    while position and pages < _PAGES:
        last = position + 2 + 12 * number(position, 2)
        if last + 4 > len(data):
            return False
        position, pages = number(last, 4), pages + 1
    return pages > 0


def _is_blank(data):
    """Whether the end is zeros, as an unfinished download leaves it.

    No compressed picture has so many.
    """
    return data.endswith(bytes(_ZEROS))


def _boxes(data):
    """Follows the boxes of a file by ISO/IEC 14496-12, 4.2, to its end."""
    position = 0
    while position + 8 <= len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        if size == 0:  # Up to the end of the file, wherever that is.
            return not _is_blank(data)
        if size == 1:
            size = int.from_bytes(data[position + 8 : position + 16], "big")
        if size < 8:
            return False
        position += size
    return position <= len(data) and not _is_blank(data)


def _jpeg_2000(data):
    return data.rstrip(b"\0")[-2:] == _JPEG_END


def _always(data):
    return True  # Decoders find what is missing.


def _little(data):
    return int.from_bytes(data, "little")


_WHOLE: dict[str, collections.abc.Callable[[bytes], bool]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "GIF": _gif,
    "BMP": _bmp,
    "WebP": _webp,
    "TIFF": _tiff,
    "AVIF": _boxes,
    "HEIC": _boxes,
    "JPEG 2000": _jpeg_2000,
}
