"""What an option is: its spellings, what it accepts, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from pytest_concurrent.values import Kind

Value = TypeVar("Value")


@dataclass(frozen=True)
class Option(Generic[Value]):
    """One option: its spellings, what it accepts, and what it means.

    Attributes:
        word: What the long name, the ini key and the variable have in common.
        field: The attribute of ``Settings`` that holds the value.
        kind: What is accepted, and how it is parsed.
        default: The value where nobody gives one.
        help: What it means, as ``--help`` says it.
        shown_default: The default in words.
        metavar: What stands for the value in ``--help``; None for a switch.
        unit: The unit of the value, for the docs.
        names: Names on the command line that replace the long name.
        short: Further names on the command line; another plugin's claim wins.
        off: Names that switch it off.
        keys: Further ini keys.
        variables: Further environment variables, after the one of the word.
        opposites: Environment variables of which the contrary is meant.
        django: Keys of ``settings.CONCURRENT_TEST``, and the name of a Django setting.
        sequential: Whether it means something in a run without workers too.
        ini_only: Whether it is spelled in the ini file alone.
    """

    word: str
    field: str
    kind: Kind[Value]
    default: Value
    help: str
    shown_default: str
    metavar: str | None = None
    unit: str = ""
    names: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    opposites: tuple[str, ...] = ()
    django: tuple[str, ...] = ()
    sequential: bool = False
    ini_only: bool = False

    @property
    def long(self) -> str:
        """The name on the command line that nobody else should ever claim."""
        return self.names[0] if self.names else f"--concurrent-{self.word}"

    @property
    def flags(self) -> tuple[str, ...]:
        """Every name on the command line that gives a value, the short ones first."""
        return () if self.ini_only else (*self.short, self.long)

    @property
    def dest(self) -> str:
        """The attribute of ``config.option``."""
        return self.ini

    @property
    def ini(self) -> str:
        """The key in the ini file."""
        return "concurrent_" + self.word.replace("-", "_")

    @property
    def ini_keys(self) -> tuple[str, ...]:
        """Every key in the ini file, best first."""
        return (self.ini, *self.keys)

    @property
    def environment(self) -> tuple[str, ...]:
        """Every environment variable, best first."""
        own = "PYTEST_CONCURRENT_OPT_" + self.word.replace("-", "_").upper()
        return () if self.ini_only else (own, *self.variables)
