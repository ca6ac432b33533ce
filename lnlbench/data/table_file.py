"""Read a table that a user brings: Parquet, or CSV as spreadsheets save it."""

import codecs
from pathlib import Path
from typing import TYPE_CHECKING

from lnlbench.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_PARQUET = (".parquet", ".pq")
_SHOWN = 200
_SEPARATORS = ",;\t"
_COMPRESSED = (".gz", ".bz2", ".zip", ".xz", ".zst", ".tar")


def is_parquet(file: Path) -> bool:
    """Whether the file's name says that it is Parquet."""
    return file.suffix.lower() in _PARQUET


def read_table(file: Path) -> "pd.DataFrame":
    """The rows of a CSV or Parquet file; the names of its columns are text.

    Raises:
        DataError: the file cannot be read.
    """
    import pandas as pd

    try:
        frame = pd.read_parquet(file) if is_parquet(file) else _read_csv(file)
    except Exception as error:  # a parser may raise anything; it means this table
        raise unreadable(file, error) from error
    frame.columns = [str(name) for name in frame.columns]
    return frame


def unreadable(file: Path, error: Exception) -> DataError:
    """The error for a file that its parser refused."""
    if isinstance(error, ImportError) and is_parquet(file):
        return DataError(f"Reading {file} needs pyarrow: pip install pyarrow.")
    reason = getattr(error, "strerror", None) or str(error)[:_SHOWN] or type(error).__name__
    return DataError(f"Cannot read {file}: {reason}")


def _read_csv(file: Path) -> "pd.DataFrame":
    """All cells as text, so that a class named 007 or NA keeps its name.

    The first line decides the separator: the one of `,`, `;` and tab that it has most often. A
    byte order mark decides the encoding; a file without one is UTF-8. pandas unpacks a compressed
    file, which has to be UTF-8 with commas.

    Raises:
        ValueError: the text is not of that encoding, or pandas cannot parse it.
        OSError: the file cannot be read.
    """
    import pandas as pd

    if file.suffix.lower() in _COMPRESSED:
        return pd.read_csv(file, dtype=str, keep_default_na=False)
    encoding = _encoding(file)
    with file.open(encoding=encoding, errors="replace", newline="") as text:
        header = text.readline()
    separator = max(_SEPARATORS, key=header.count)
    try:
        return pd.read_csv(file, dtype=str, keep_default_na=False, sep=separator, encoding=encoding)
    except UnicodeError as error:
        raise ValueError(f"{_undecodable(file, encoding)} Save the table as UTF-8.") from error


def _encoding(file: Path) -> str:
    with file.open("rb") as content:
        start = content.read(2)
    return "utf-16" if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _undecodable(file: Path, encoding: str) -> str:
    """Name the first line of a UTF-8 file that cannot be decoded; lines of UTF-16 hold more."""
    if encoding == "utf-8-sig":
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    line.decode()
                except UnicodeDecodeError as error:
                    return f"line {number} is not UTF-8 text (byte 0x{line[error.start]:02x})."
    return f"it is not {encoding.removesuffix('-sig').upper()} text."
