"""Where the files of a version lie: with the installation, or in the folder `models` of the instance's home."""

from pathlib import Path
from typing import Literal

from cluster.errors import InvalidInput
from cluster.ml.packaged import shipped
from cluster.settings import settings

Place = Literal["shipped", "home"]
CARD = "card.md"
LONGEST_CARD = 100_000


def folder_of(place: str, folder: str) -> Path:
    """The folder on this machine, whether or not it is there."""
    return shipped(folder) if place == "shipped" else settings().home / "models" / folder


def confined(folder: str) -> Path:
    """The folder of that name in `models` of the home. Raises InvalidInput for none, or one that leads elsewhere."""
    root = (settings().home / "models").resolve()
    path = (root / folder).resolve()
    if path.parent != root or not path.is_dir():
        raise InvalidInput(
            f"There is no folder {folder!r} in the models folder of the instance.",
            f"Put the model into a folder of `models` in the home of the instance: {root}.",
        )
    return path


def card_of(folder: Path) -> str:
    """The model card, cut at 100,000 characters; "" if there is none."""
    try:
        return (folder / CARD).read_text("utf-8", "replace")[:LONGEST_CARD].replace("\0", "")
    except OSError:
        return ""
