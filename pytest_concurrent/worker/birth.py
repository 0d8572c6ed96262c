"""What a worker is given: by the fork, and by the request for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import pytest

from pytest_concurrent._engine import Page
from pytest_concurrent.compat.xdist_inputs import WorkerInputs

#: In a worker that was not forked: the descriptor by which the keeper of databases is reached.
KEEPER = pytest.StashKey[int]()


class Birth(NamedTuple):
    """What one worker gets. The descriptors are its own.

    Attributes:
        slot: Its place.
        attempt: 1 for the first process on this slot.
        socket: Frames to and from the controller.
        stdout: Takes the place of descriptor 1.
        stderr: Takes the place of descriptor 2.
        fault: Where `faulthandler` writes.
        captured_stdout: Where pytest's capture of descriptor 1 collects.
        captured_stderr: Where pytest's capture of descriptor 2 collects.
    """

    slot: int
    attempt: int
    socket: int
    stdout: int
    stderr: int
    fault: int
    captured_stdout: int
    captured_stderr: int

    @property
    def name(self) -> str:
        """The slot's name, `gw0`."""
        return f"gw{self.slot}"


@dataclass(frozen=True)
class Legacy:
    """What all workers inherit from the controller.

    Attributes:
        session: The collected session.
        page: The shared page.
        workers: Number of slots.
        run_id: The run's id.
        group: The controller's process group.
        lifeline: Read end of the pipe whose write end only the controller holds.
        fixtures: Numbers of shared set-ups, by their key.
        random_state: State of `random` to restore; None = it was never seeded.
        numpy_seeded: Whether numpy's global state was seeded.
        lazy: Whether `nextitem` may be decided as late as teardown.
        inputs: What plugins give to each worker; None where none has a say in it.
    """

    session: pytest.Session
    page: Page
    workers: int
    run_id: str
    group: int
    lifeline: int
    fixtures: dict[str, int]
    random_state: object
    numpy_seeded: bool
    lazy: bool
    inputs: WorkerInputs | None
