"""Tesseract's language files: where they lie and which there are. Nothing is read with them here."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from recto.errors import ConfigurationError
from recto_ocr.engine import LanguageMissingError

DEBIAN_TESSERACT = Path("/usr/share/tesseract-ocr")
OTHER_TESSDATA = ("/usr/share/tessdata", "/usr/local/share/tessdata", "/opt/homebrew/share/tessdata")


def tessdata_folder(environment: Mapping[str, str]) -> Path:
    """The folder of Tesseract's language files: TESSDATA_PREFIX, or where the system keeps them."""
    named = environment.get("TESSDATA_PREFIX")
    if named:
        places = [Path(named), Path(named) / "tessdata"]
    else:
        debian = sorted(DEBIAN_TESSERACT.glob("*/tessdata"), reverse=True)
        places = [*debian, *(Path(place) for place in OTHER_TESSDATA)]
    for place in places:
        if any(place.glob("*.traineddata")):
            return place
    raise ConfigurationError(
        f"no Tesseract language files (*.traineddata) in {', '.join(str(place) for place in places)}: "
        "install them (Debian: apt-get install tesseract-ocr) or set TESSDATA_PREFIX"
    )


def installed_languages(folder: Path) -> tuple[str, ...]:
    """The languages whose files lie in a folder; those that only find the orientation are none."""
    found = (path.relative_to(folder).with_suffix("") for path in folder.rglob("*.traineddata"))
    return tuple(sorted(str(name) for name in found if name.name not in ("osd", "equ")))


def folder_with(languages: Sequence[str], environment: Mapping[str, str]) -> Path:
    """The folder of the language files, which has these languages; LanguageMissingError otherwise."""
    folder = tessdata_folder(environment)
    missing = [language for language in languages if not (folder / f"{language}.traineddata").exists()]
    if missing:
        raise LanguageMissingError(
            f"Tesseract language {', '.join(missing)} is not installed in {folder}; "
            f"installed: {', '.join(installed_languages(folder)) or 'none'}"
        )
    return folder
