"""Writes an agreement as a PDF, and pictures of its pages as a scanner would have made them."""

import io
from random import Random

import numpy as np
import pypdfium2
from PIL import Image, ImageFilter
from reportlab.pdfgen.canvas import Canvas

from recto_training.synthetic.sheet import Sheet, SheetPage


def write_pdf(sheet: Sheet, title: str = "Credit card agreement") -> bytes:
    """The pages as a PDF, the same bytes each time."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=sheet.size, invariant=1, pageCompression=1)
    canvas.setTitle(title)
    for page in sheet.pages:
        _draw_page(canvas, page, sheet.size[1])
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _draw_page(canvas: Canvas, page: SheetPage, height: float) -> None:
    canvas.setLineWidth(0.5)
    for line in page.lines:
        if line.fill is not None:
            canvas.setFillGray(line.fill)
            canvas.rect(line.left, height - line.bottom, line.right - line.left, line.bottom - line.top, 0, 1)
            canvas.setFillGray(0)
        else:
            canvas.line(line.left, height - line.top, line.right, height - line.bottom)
    for word in page.words:
        canvas.setFont(word.font, word.size)
        canvas.drawString(word.left, height - word.baseline, word.text)


def render(pdf: bytes, dpi: int = 200) -> list[Image.Image]:
    """Grey pictures of the pages."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.render(scale=dpi / 72, grayscale=True).to_pil() for page in document]
    finally:
        document.close()


def scan(image: Image.Image, rng: Random, *, wear: float) -> Image.Image:
    """The picture after a scanner: a little turned, soft, grey and speckled; `wear` 0 is good, 1 is bad."""
    turned = image.convert("L").rotate(
        rng.uniform(-0.3, 0.3) * (1 + wear), fillcolor=255, resample=Image.Resampling.BICUBIC
    )
    soft = turned.filter(ImageFilter.GaussianBlur(0.4 + 1.2 * wear))
    noise = np.random.default_rng(rng.getrandbits(32)).normal(0, 4 + 26 * wear, (soft.height, soft.width))
    grey = np.asarray(soft, np.float32) * (1 - 0.35 * wear) + 40 * wear + noise
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
