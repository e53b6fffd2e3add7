"""The font of the text in scenes."""

from __future__ import annotations

from pathlib import Path

from motet.scenes.packages import demo_package


def letters_path() -> Path:
    """Returns the path of Noto Sans (variable), from the package `fontpkg-noto-sans`."""
    return Path(demo_package("fontpkg_noto_sans").__file__).parent / "files" / "NotoSans[wdth,wght].ttf"
