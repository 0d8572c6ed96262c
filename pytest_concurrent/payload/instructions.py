"""What a worker that was not forked is told: packed by the controller, unpacked by the worker."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

#: Values of options that can travel. Others a worker makes again from the same arguments.
_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class Instructions:
    """One worker's part.

    Attributes:
        arguments: What pytest was given on its command line, or by `pytest.main`.
        plugins: Names of plugins that were given to `pytest.main`.
        argv: `sys.argv` of the controller.
        options: Values of options as they are in the controller, where plugins change them.
        workerinput: What plugins and suites that know pytest-xdist look for.
        basetemp: The folder for temporary files of the run; None = no tests have such.
        writer: Whether the controller's terminal takes colours, highlights code, and its width;
            None = there is no terminal reporter.
        files: What is to be collected; None = what the arguments say.
        patient: Whether the garbage collector is tuned.
    """

    arguments: list[str]
    plugins: list[str]
    argv: list[str]
    options: dict[str, Any]
    workerinput: dict[str, Any]
    basetemp: str | None
    writer: tuple[bool, bool, int] | None
    files: list[str] | None
    patient: bool

    def pack(self) -> dict[str, Any]:
        """The instructions as they travel."""
        return asdict(self)

    @classmethod
    def unpack(cls, packed: dict[str, Any]) -> Instructions:
        """The instructions as they arrived."""
        return cls(**packed)


def travelling(options: dict[str, Any]) -> dict[str, Any]:
    """The options whose values can travel."""
    return {name: value for name, value in options.items() if _is_plain(value)}


def _is_plain(value: object) -> bool:
    if type(value) in (list, tuple):
        return all(_is_plain(one) for one in value)  # type: ignore[attr-defined]
    return type(value) in _PLAIN
