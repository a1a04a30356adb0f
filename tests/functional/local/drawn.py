"""Documents drawn for the OCR's tests: large plain words in known places, in any format."""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

PAGE = (1240, 1754)


def page(*lines: str, size: tuple[int, int] = PAGE) -> Image.Image:
    """White paper with one line of print every 90 pixels."""
    image = Image.new("L", size, "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(44)
    for number, line in enumerate(lines):
        draw.text((100, 100 + 90 * number), line, fill="black", font=font)
    return image


def stored(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)  # type: ignore[arg-type]
    return out.getvalue()


def pdf(pages: Sequence[Sequence[str]], password: str = "") -> bytes:
    """A real PDF with a text layer, one list of lines per page."""
    out = io.BytesIO()
    encryption = StandardEncryption(password, ownerPassword=password, canPrint=0) if password else None
    canvas = Canvas(out, pagesize=(595, 842), encrypt=encryption)
    for lines in pages:
        canvas.setFont("Helvetica", 14)
        for number, line in enumerate(lines):
            canvas.drawString(60, 780 - 28 * number, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()
