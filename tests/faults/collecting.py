"""Something dies before there is a run."""

from __future__ import annotations

from collections.abc import Iterator

from .fault import Fault
from .ways import DYING

#: What the shell is told of each; the same as without workers.
_EXITS = {"sigsegv": -11, "sigbus": -7, "sigabrt": -6, "sigterm": -15, "sigkill": -9, "exit_3": 3}


def _deaths_in_collection() -> Iterator[Fault]:
    for way, exit_status in _EXITS.items():
        yield Fault(
            name=f"collection_dies_by_{way}",
            suite=f'{DYING}\nif not (HERE / "died").exists():\n'
            f'    (HERE / "died").touch()\n    die("{way}")\ndef test_one(): pass\n',
            expected={},
            exit=exit_status,
            is_reported=False,
            workers=(2,),
        )


COLLECTING: tuple[Fault, ...] = tuple(_deaths_in_collection())
