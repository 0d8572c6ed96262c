"""pytest-xdist's options on a command line that pytest-xdist does not read."""

from __future__ import annotations

import pytest

#: What to say instead, by option.
_INSTEAD = {
    "-n": "say --workers N",
    "--numprocesses": "say --workers N",
    "--maxprocesses": "say --workers N",
    "--dist": "say --concurrent-group class or file, or leave it out: what belongs together by "
    "xdist_group or by an expensive fixture stays together",
    "--max-worker-restart": "say --concurrent-max-worker-restarts N",
    "--maxschedchunk": "leave it out: no worker holds more than a moment's work",
    "--tx": "leave it out: workers are on this machine",
    "--px": "leave it out: workers are on this machine",
}


def refuse_foreign(
    parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager, args: list[str]
) -> None:
    """Say what to write instead of an option that would be an unknown argument.

    Args:
        parser: pytest's parser; the first conftest files have had their turn.
        pluginmanager: Knows whether pytest-xdist is there.
        args: The arguments, those of the ini file and the environment among them.

    Raises:
        pytest.UsageError: Concurrency is asked for, and so is something of pytest-xdist.
    """
    if "--concurrent" not in args or pluginmanager.hasplugin("xdist"):
        return
    if not any(map(_named, args)):
        return
    # Another plugin, or a conftest, may have an option of that name.
    _, unknown = parser.parse_known_and_unknown_args(args)
    for argument in unknown:
        if option := _named(argument):
            raise pytest.UsageError(
                f"{option} is an option of pytest-xdist, which is not loaded; "
                f"with --concurrent {_INSTEAD[option]}"
            )


def _named(argument: str) -> str | None:
    for option in _INSTEAD:
        short = not option.startswith("--") and argument.startswith(option)
        if short or argument.partition("=")[0] == option:
            return option
    return None
