"""Which way up a page lies, as Tesseract's orientation file (`osd`) tells. Nothing is turned or read here."""

import os
from functools import lru_cache

import tesserocr
from PIL import Image
from tesserocr import PSM

from recto_ocr.preparation import RESOLUTION
from recto_ocr.tessdata import tessdata_folder
from recto_ocr.turning import has_marks

SURE_ORIENTATION = 2.0
"""Below it, Tesseract's own word on the orientation is a guess, and each way is tried."""


@lru_cache(maxsize=1)
def _orientation_engine() -> tesserocr.PyTessBaseAPI | None:
    folder = tessdata_folder(os.environ)
    if not (folder / "osd.traineddata").exists():
        return None
    return tesserocr.PyTessBaseAPI(path=str(folder), lang="osd", psm=PSM.OSD_ONLY)


def likely_turns(image: Image.Image, *, may_guess: bool) -> tuple[int, ...]:
    """Counter-clockwise quarter turns that may make the page upright, the likeliest first.

    None for a page without a mark, and for one that the orientation file finds upright.
    """
    if not has_marks(image):
        return ()
    engine = _orientation_engine()
    if engine is not None:
        engine.SetImage(image)
        engine.SetSourceResolution(RESOLUTION)
        found = engine.DetectOrientationScript()
        engine.Clear()
        if found and found["orient_conf"] >= SURE_ORIENTATION:
            quarters = int(found["orient_deg"]) // 90 % 4
            return (quarters,) if quarters else ()
    return (1, 3, 2) if may_guess else ()
