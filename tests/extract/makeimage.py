"""Image objects of every kind that PDF knows, made by hand; each shows four flat quarters of known colours."""

import io
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pymupdf
from makepdf import Maker
from PIL import Image, ImageCms

PLACE = (120.0, 80.0, 480.0, 350.0)
WIDE, HIGH = 48, 36
RED, GREEN, BLUE, OCHRE = (200, 30, 40), (20, 150, 60), (30, 60, 190), (210, 160, 40)
QUARTERS = (RED, GREEN, BLUE, OCHRE)
GREYS = ((30, 30, 30), (90, 90, 90), (150, 150, 150), (210, 210, 210))
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Kind:
    """An image object and what a reader sees of it: its quarters, left to right, top to bottom."""

    entries: dict[str, str]
    data: bytes
    shown: Sequence[Colour]
    within: int = 3
    others: dict[str, tuple[dict[str, str], bytes]] = field(default_factory=dict)
    """Further streams by the entry of the image that refers to them; ``ICC`` is put into the colour space."""
    content: str = "q 360 0 0 270 120 492 cm /Im Do Q"
    size: tuple[int, int] = (WIDE, HIGH)


def quarters(values: Sequence[Sequence[float]], kind: type = np.uint8) -> np.ndarray:
    """Four quarters of ``values``, (HIGH, WIDE, channels)."""
    out = np.zeros((HIGH, WIDE, len(values[0])), kind)
    for n, value in enumerate(values):
        y, x = divmod(n, 2)
        out[y * HIGH // 2 : (y + 1) * HIGH // 2, x * WIDE // 2 : (x + 1) * WIDE // 2] = value
    return out


def _image(**entries: str) -> dict[str, str]:
    basic = {"Type": "/XObject", "Subtype": "/Image", "Width": str(WIDE), "Height": str(HIGH), "BitsPerComponent": "8"}
    return basic | entries


def _encoded(pixels: np.ndarray, mode: str, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze(), mode).save(buffer, form, **options)
    return buffer.getvalue()


def jpeg2000() -> Kind:
    data = _encoded(quarters(QUARTERS), "RGB", "JPEG2000")
    return Kind(_image(Filter="/JPXDecode"), data, QUARTERS)


def jpeg2000_grey() -> Kind:
    data = _encoded(quarters([g[:1] for g in GREYS]), "L", "JPEG2000")
    return Kind(_image(Filter="/JPXDecode"), data, GREYS)


def jpeg2000_alpha() -> Kind:
    """The first quarter is transparent by the alpha channel in the data."""
    pixels = quarters([(*colour, 0 if n == 0 else 255) for n, colour in enumerate(QUARTERS)])
    data = _encoded(pixels, "RGBA", "JPEG2000")
    return Kind(_image(Filter="/JPXDecode", SMaskInData="1"), data, (WHITE, *QUARTERS[1:]))


def _bits(black: Sequence[bool]) -> np.ndarray:
    """(HIGH, WIDE) of True where black."""
    return quarters([[value] for value in black], bool)[..., 0]


def _group4(black: np.ndarray) -> bytes:
    """T.6 data of ``black``, taken out of a TIFF that Pillow writes."""
    buffer = io.BytesIO()
    Image.fromarray(black).save(buffer, "TIFF", compression="group4")  # a set bit is coded as black
    with Image.open(io.BytesIO(buffer.getvalue())) as written:
        offset, count = written.tag_v2[273][0], written.tag_v2[279][0]
    return buffer.getvalue()[offset : offset + count]


def ccitt() -> Kind:
    parameters = f"<</K -1 /Columns {WIDE} /Rows {HIGH}>>"
    entries = _image(Filter="/CCITTFaxDecode", DecodeParms=parameters, BitsPerComponent="1", ColorSpace="/DeviceGray")
    return Kind(entries, _group4(_bits([True, False, False, True])), (BLACK, WHITE, WHITE, BLACK))


def jbig2() -> Kind:
    """A page and one immediate generic region coded with MMR, assembled segment by segment (ITU-T T.88, 7.2 to 7.4)."""

    def segment(number: int, kind: int, data: bytes) -> bytes:
        return struct.pack(">IBBBI", number, kind, 0, 1, len(data)) + data

    page = struct.pack(">IIIIBH", WIDE, HIGH, 0, 0, 0, 0)
    region = struct.pack(">IIIIBB", WIDE, HIGH, 0, 0, 0, 1) + _group4(_bits([True, False, False, True]))
    data = segment(0, 48, page) + segment(1, 38, region)
    entries = _image(Filter="/JBIG2Decode", BitsPerComponent="1", ColorSpace="/DeviceGray")
    return Kind(entries, data, (BLACK, WHITE, WHITE, BLACK))


def lab() -> Kind:
    """Range as files have it (MuPDF does not heed another one); sRGB of the quarters from CIE formulae."""
    space = "[/Lab <</WhitePoint [0.9642 1 0.8249] /Range [-128 127 -128 127]>>]"
    values = [(50, 0, 0), (60, 40, 30), (70, -40, 30), (40, 15, -45)]
    coded = [(v[0] * 2.55, v[1] + 128, v[2] + 128) for v in values]
    shown = ((119, 119, 119), (217, 114, 94), (102, 190, 113), (81, 88, 169))
    return Kind(_image(ColorSpace=space), quarters(coded).tobytes(), shown, within=22)


def indexed() -> Kind:
    table = "".join(f"{c:02x}" for colour in QUARTERS for c in colour)
    numbers = quarters([[n] for n in range(4)])[..., 0]
    packed = (numbers[:, 0::4] << 6) | (numbers[:, 1::4] << 4) | (numbers[:, 2::4] << 2) | numbers[:, 3::4]
    entries = _image(ColorSpace=f"[/Indexed /DeviceRGB 3 <{table}>]", BitsPerComponent="2")
    return Kind(entries, packed.astype(np.uint8).tobytes(), QUARTERS)


def indexed_decode() -> Kind:
    base = indexed()
    return Kind(base.entries | {"Decode": "[3 0]"}, base.data, QUARTERS[::-1])


def separation() -> Kind:
    """One ink, white to (0.8, 0.2, 0.1); the quarters hold a fifth to all of it."""
    function = "<</FunctionType 2 /Domain [0 1] /C0 [1 1 1] /C1 [0.8 0.2 0.1] /N 1>>"
    tints = (0.2, 0.4, 0.6, 1.0)
    shown = [tuple(round(255 * (1 - t * (1 - end))) for end in (0.8, 0.2, 0.1)) for t in tints]
    entries = _image(ColorSpace=f"[/Separation /Clay /DeviceRGB {function}]")
    return Kind(entries, quarters([[255 * t] for t in tints]).tobytes(), shown)


CMYK = ((0, 255, 255, 0), (255, 0, 255, 0), (255, 255, 0, 0), (0, 0, 0, 200))
CMYK_SHOWN = ((237, 28, 36), (0, 166, 81), (46, 49, 146), (92, 92, 94))
"""As the usual press profile shows solid red, green, blue and three quarters of black."""


def cmyk() -> Kind:
    return Kind(_image(ColorSpace="/DeviceCMYK"), quarters(CMYK).tobytes(), CMYK_SHOWN, within=30)


def cmyk_jpeg_adobe() -> Kind:
    """As Photoshop writes: values turned over in the JPEG, and turned back by the decode array."""
    data = _encoded(quarters(CMYK), "CMYK", "JPEG", quality=95)
    if b"Adobe" not in data:
        raise ValueError("the JPEG carries no Adobe marker")
    entries = _image(ColorSpace="/DeviceCMYK", Filter="/DCTDecode", Decode="[1 0 1 0 1 0 1 0]")
    return Kind(entries, data, CMYK_SHOWN, within=30)


def cmyk_jpeg_not_turned() -> Kind:
    """The same without a decode array, the values turned over beforehand: they are shown as they are."""
    data = _encoded(255 - quarters(CMYK), "CMYK", "JPEG", quality=95)
    return Kind(_image(ColorSpace="/DeviceCMYK", Filter="/DCTDecode"), data, CMYK_SHOWN, within=30)


def icc() -> Kind:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    others = {"ICC": ({"N": "3", "Alternate": "/DeviceRGB"}, profile)}
    return Kind(_image(ColorSpace="[/ICCBased {ICC}]"), quarters(QUARTERS).tobytes(), QUARTERS, others=others)


def _packed(bits: np.ndarray) -> bytes:
    return np.packbits(bits, axis=1).tobytes()


def one_bit() -> Kind:
    entries = _image(ColorSpace="/DeviceGray", BitsPerComponent="1")
    return Kind(entries, _packed(~_bits([True, False, False, True])), (BLACK, WHITE, WHITE, BLACK))


def one_bit_decode() -> Kind:
    entries = _image(ColorSpace="/DeviceGray", BitsPerComponent="1", Decode="[1 0]")
    return Kind(entries, _packed(_bits([True, False, False, True])), (BLACK, WHITE, WHITE, BLACK))


def stencil() -> Kind:
    """A mask through which the colour in force is painted; a zero paints."""
    entries = _image(ImageMask="true", BitsPerComponent="1")
    content = "q 0.2 0.4 0.6 rg 360 0 0 270 120 492 cm /Im Do Q"
    ink = (51, 102, 153)
    return Kind(entries, _packed(~_bits([True, False, False, True])), (ink, WHITE, WHITE, ink), content=content)


def stencil_decode() -> Kind:
    base = stencil()
    shown = (WHITE, base.shown[0], base.shown[0], WHITE)
    return Kind(base.entries | {"Decode": "[1 0]"}, base.data, shown, content=base.content)


def sixteen_bit() -> Kind:
    values = quarters([[c * 257 for c in colour] for colour in QUARTERS], np.dtype(">u2"))
    return Kind(_image(ColorSpace="/DeviceRGB", BitsPerComponent="16"), values.tobytes(), QUARTERS)


def decode_turned() -> Kind:
    entries = _image(ColorSpace="/DeviceRGB", Decode="[1 0 1 0 1 0]")
    return Kind(entries, (255 - quarters(QUARTERS)).tobytes(), QUARTERS)


ALPHAS = (64, 128, 191, 255)


def _through(colour: Colour, alpha: int) -> Colour:
    red, green, blue = (round(255 + (c - 255) * alpha / 255) for c in colour)
    return red, green, blue


def soft_mask() -> Kind:
    mask = _image(ColorSpace="/DeviceGray"), quarters([[a] for a in ALPHAS]).tobytes()
    shown = [_through(c, a) for c, a in zip(QUARTERS, ALPHAS, strict=True)]
    return Kind(_image(ColorSpace="/DeviceRGB"), quarters(QUARTERS).tobytes(), shown, others={"SMask": mask})


def soft_mask_matte() -> Kind:
    """Colours mixed with black by their alpha before storage, as the matte says; the page undoes that."""
    mask = _image(ColorSpace="/DeviceGray", Matte="[0 0 0]"), quarters([[a] for a in ALPHAS]).tobytes()
    mixed = [[c * a / 255 for c in colour] for colour, a in zip(QUARTERS, ALPHAS, strict=True)]
    shown = [_through(c, a) for c, a in zip(QUARTERS, ALPHAS, strict=True)]
    entries = _image(ColorSpace="/DeviceRGB")
    return Kind(entries, quarters(mixed).tobytes(), shown, within=5, others={"SMask": mask})


def inline() -> Kind:
    data = quarters(QUARTERS).tobytes().hex()
    head = f"/W {WIDE} /H {HIGH} /CS /RGB /BPC 8 /F /AHx"
    return Kind({}, b"", QUARTERS, content=f"q 360 0 0 270 120 492 cm BI {head} ID {data}> EI Q")


def _placed(matrix: str, order: tuple[int, int, int, int], turned: bool = False) -> Callable[[], Kind]:
    def made() -> Kind:
        shown = tuple(QUARTERS[n] for n in order)
        size = (HIGH, WIDE) if turned else (WIDE, HIGH)
        entries = _image(ColorSpace="/DeviceRGB")
        return Kind(entries, quarters(QUARTERS).tobytes(), shown, content=f"q {matrix} cm /Im Do Q", size=size)

    return made


KINDS: dict[str, Callable[[], Kind]] = {
    made.__name__: made
    for made in (
        jpeg2000, jpeg2000_grey, jpeg2000_alpha, ccitt, jbig2, lab, indexed, indexed_decode, separation, cmyk,
        cmyk_jpeg_adobe, cmyk_jpeg_not_turned, icc, one_bit, one_bit_decode, stencil, stencil_decode, sixteen_bit,
        decode_turned, soft_mask, soft_mask_matte, inline,
    )
} | {
    "flipped_across": _placed("-360 0 0 270 480 492", (1, 0, 3, 2)),
    "flipped_down": _placed("360 0 0 -270 120 762", (2, 3, 0, 1)),
    "half_turn": _placed("-360 0 0 -270 480 762", (3, 2, 1, 0)),
    "quarter_turn_left": _placed("0 360 -270 0 390 402", (1, 3, 0, 2), turned=True),
    "quarter_turn_right": _placed("0 -360 270 0 120 762", (2, 0, 3, 1), turned=True),
    "transposed": _placed("0 -360 -270 0 390 762", (0, 2, 1, 3), turned=True),
}  # fmt: skip


def place(made: Maker, kind: Kind) -> None:
    """Put the image on the page."""
    document, page = made.document, made.page
    entries = dict(kind.entries)
    for name, (other, data) in kind.others.items():
        reference = f"{_stream(document, other, data)} 0 R"
        if name == "ICC":
            entries["ColorSpace"] = entries["ColorSpace"].format(ICC=reference)
        else:
            entries[name] = reference
    page.clean_contents()
    if entries:
        image = _stream(document, entries, kind.data)
        form, value = document.xref_get_key(page.xref, "Resources")
        owner, path = (int(value.split()[0]), "") if form == "xref" else (page.xref, "Resources/")
        document.xref_set_key(owner, f"{path}XObject", f"<</Im {image} 0 R>>")
    xref = page.get_contents()[0]
    document.update_stream(xref, document.xref_stream(xref) + b"\n" + kind.content.encode())


def _stream(document: pymupdf.Document, entries: dict[str, str], data: bytes) -> int:
    xref: int = document.get_new_xref()
    document.update_object(xref, "<<>>")
    document.update_stream(xref, data, compress=False)
    for key, value in entries.items():
        document.xref_set_key(xref, key, value)
    return xref
