"""Files that a command is given."""

from pathlib import Path

from cluster.errors import InvalidInput


def text_of(file: Path) -> str:
    """The text of a file. Raises InvalidInput for one that cannot be read or is not UTF-8."""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidInput(f"{file} cannot be read ({what}).", "Name a file of text in UTF-8.") from None
