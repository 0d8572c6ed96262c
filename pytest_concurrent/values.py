"""How the text of an option becomes a value, and what each kind of option accepts."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

Value_co = TypeVar("Value_co", covariant=True)

MAX_WORKERS = 1024
MAX_RESTARTS = 1_000_000
MAX_SHARDS = 10_000
MAX_COUNT = 1_000_000_000
MAX_SIZE = 2**60  # an exbibyte: no process is larger
MIN_SECONDS = 0.001
MAX_SECONDS = 1e9  # some 31 years: no run is longer, and no clock of ours overflows

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_PREFIXES = "kmgt"
_UNITS = {
    **dict.fromkeys(("", "b"), 1),
    **{
        spelling: base**power
        for power, prefix in enumerate(_PREFIXES, 1)
        for spelling, base in ((prefix, 1024), (f"{prefix}ib", 1024), (f"{prefix}b", 1000))
    },
}
_SIZE = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,9})?) ?((?:[kmgt](?:i?b)?|b)?)", re.IGNORECASE)


@dataclass(frozen=True)
class Kind(Generic[Value_co]):
    """One kind of value.

    Attributes:
        accepts: What is accepted, in words that complete "expected …".
        parse: Makes a value of a text that is not empty; raises ``ValueError``,
            with a reason where `accepts` alone does not explain it.
        path: Whether the value is a path; a relative one is anchored before `parse`.
    """

    accepts: str
    parse: Callable[[str], Value_co]
    path: bool = False


@dataclass(frozen=True)
class Shard:
    """The part of the suite that this machine runs: `index` (from 1) of `count`."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def _whole_number(text: str, most: int) -> int:
    # int() also takes signs, underscores and other scripts' digits.
    digits = text.lstrip("0") or "0"
    if not (text.isascii() and text.isdigit()) or len(digits) > len(str(most)):
        raise ValueError
    if int(digits) > most:
        raise ValueError
    return int(digits)


def _flag(text: str) -> bool:
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


def _workers(text: str) -> int | Literal["auto"]:
    return "auto" if text.lower() == "auto" else _whole_number(text, MAX_WORKERS)


def _restarts(text: str) -> int:
    return _whole_number(text, MAX_RESTARTS)


def _bound(text: str) -> int:
    bound = _whole_number(text, MAX_WORKERS)
    if bound == 0:
        raise ValueError
    return bound


def _size(text: str) -> int:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError
    number, unit = match.groups()
    size = float(number) * _UNITS[unit.lower()]
    if not 1 <= size <= MAX_SIZE:
        raise ValueError
    return int(size)


def _seconds(text: str, least: float = MIN_SECONDS) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise ValueError from None  # its own words add nothing
    if "_" in text or not least <= seconds <= MAX_SECONDS:
        raise ValueError
    return seconds


def _pause(text: str) -> float:
    return _seconds(text, least=0.0)


def _shard(text: str) -> Shard:
    index, slash, count = text.partition("/")
    shard = Shard(_whole_number(index, MAX_SHARDS), _whole_number(count, MAX_SHARDS))
    if not slash or not 1 <= shard.index <= shard.count:
        raise ValueError
    return shard


def _input_file(text: str) -> Path:
    path = _output_file(text)
    if not path.exists():
        raise ValueError("there is no such file")
    if not os.access(path, os.R_OK):
        raise ValueError("the file is not readable")
    return path


def _output_file(text: str) -> Path:
    path = _path(text)
    if path.is_dir():
        raise ValueError("this is a folder")
    return path


def _path(text: str) -> Path:
    if "\0" in text:
        raise ValueError("a path holds no null character")
    path = Path(text)
    try:
        path.exists()
    except OSError as error:  # a name that is too long, a folder that may not be entered
        raise ValueError(error.strerror) from error
    return path


def _count(text: str) -> int:
    count = _whole_number(text, MAX_COUNT)
    if count == 0:
        raise ValueError
    return count


def _folder(text: str) -> Path:
    path = _path(text)
    if path.exists() and not path.is_dir():
        raise ValueError("this is a file")
    return path


def _names(text: str) -> tuple[str, ...]:
    # Lists of Django settings arrive as Python writes them.
    words = (word.strip(" \t'\"") for word in text.strip("[]()").replace("\n", ",").split(","))
    return tuple(word for word in words if word)


def _modules(text: str) -> tuple[str, ...]:
    names = _names(text)
    for name in names:
        if not all(part.isidentifier() for part in name.split(".")):
            raise ValueError(f"{name!r} is no name of a module")
    return names


def one_of(*words: str) -> Kind[str]:
    """A kind that accepts `words`, in any case."""

    def parse(text: str) -> str:
        if text.lower() not in words:
            raise ValueError
        return text.lower()

    return Kind(f"one of {', '.join(words)}", parse)


FLAG = Kind("1, true, yes, on, 0, false, no or off", _flag)
WORKERS = Kind(f"auto, or a whole number from 0 to {MAX_WORKERS}", _workers)
RESTARTS = Kind(f"a whole number from 0 to {MAX_RESTARTS}", _restarts)
SECONDS = Kind(f"a number of seconds from {MIN_SECONDS} to {MAX_SECONDS:.0f}", _seconds)
PAUSE = Kind(f"a number of seconds from 0 to {MAX_SECONDS:.0f}", _pause)
SHARD = Kind(f"I/N with 1 <= I <= N <= {MAX_SHARDS}, for example 1/4", _shard)
INPUT_FILE = Kind("a file that can be read", _input_file, path=True)
OUTPUT_FILE = Kind("the path of a file to write", _output_file, path=True)
FOLDER = Kind("the path of a folder", _folder, path=True)
BOUND = Kind(f"a whole number from 1 to {MAX_WORKERS}", _bound)
SIZE = Kind("a size such as 512MiB or 2G, or a number of bytes", _size)
COUNT = Kind(f"a whole number from 1 to {MAX_COUNT}", _count)
NAMES = Kind("words, with commas between them", _names)
MODULES = Kind("names of modules, with commas or line ends between them", _modules)
TEXT = Kind("a text", str)
