"""What a process that was not forked is told: packed by the controller, unpacked there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

#: Values of options that can travel. Others a worker makes again from the same arguments.
_PLAIN = (str, int, float, bool, type(None))

#: Names of the descriptors by which a replacement finds its own `workerinput`.
INPUT_ENDS = ("inputs", "inputs_sent")

#: Names of those of the controller's terminal, for a debugger.
STANDARD = ("stdin", "stdout", "stderr")


@dataclass(frozen=True)
class Instructions:
    """One process's part.

    Attributes:
        arguments: What pytest was given on its command line, or by `pytest.main`.
        plugins: Names of plugins that were given to `pytest.main`.
        argv: `sys.argv` of the controller.
        options: Values of options as they are in the controller, where plugins change them.
        workerinput: What plugins and suites that know pytest-xdist look for; a replacement is given
            its own.
        looked_for: What plugins look for there whoever gave it.
        basetemp: The folder for temporary files of the run; None = no tests have such.
        writer: Whether the controller's terminal takes colours, highlights code, and its width;
            None = there is no terminal reporter.
        patient: Whether the garbage collector is tuned.
        descriptors: What it is given beside its own, by name and in order.
        group: The controller's process group.
    """

    arguments: list[str]
    plugins: list[str]
    argv: list[str]
    options: dict[str, Any]
    workerinput: dict[str, Any]
    looked_for: dict[str, Any]
    basetemp: str | None
    writer: tuple[bool, bool, int] | None
    patient: bool
    descriptors: list[str]
    group: int

    def pack(self) -> dict[str, Any]:
        """The instructions as they travel."""
        return asdict(self)

    @classmethod
    def unpack(cls, packed: dict[str, Any]) -> Instructions:
        """The instructions as they arrived."""
        return cls(**packed)


@dataclass(frozen=True)
class Afresh:
    """How templates of databases are made where the controller cannot be forked for that.

    Attributes:
        builder: Command line of the process that starts makers.
        maker: Command line of a process that collects, and makes one template.
        folder: The folder to start in.
        environment: Their whole environment.
        instructions: What a maker is told.
    """

    builder: list[str]
    maker: list[str]
    folder: str
    environment: dict[bytes, bytes]
    instructions: Instructions


def travelling(options: dict[str, Any]) -> dict[str, Any]:
    """The options whose values can travel."""
    return {name: value for name, value in options.items() if _is_plain(value)}


def _is_plain(value: object) -> bool:
    if type(value) in (list, tuple):
        return all(_is_plain(one) for one in value)  # type: ignore[attr-defined]
    return type(value) in _PLAIN
