"""A process that was started to make one template: it collects as a worker does, and builds."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, NoReturn

import pytest

from pytest_concurrent.compat import cov
from pytest_concurrent.plugin import BEGAN_NS, SETTINGS, providers_of
from pytest_concurrent.worker import reset
from pytest_concurrent.worker.collecting import CollectingSession

if TYPE_CHECKING:
    from pytest_concurrent.databases.fresh import Commission


def live() -> NoReturn:
    """Be the maker that whoever started this process wants."""
    from pytest_concurrent.databases.fresh import received

    commission: Commission = received()
    os.set_inheritable(commission.door, False)
    sys.argv[:] = commission.instructions.argv
    if why := MakerSession(commission).run():
        # The builder shows the end of what a maker that failed has printed.
        os.write(2, f"the tests could not be collected: {why}\n".encode())
    reset.leave(1 if why else 0)


class MakerSession(CollectingSession):
    """pytest's session in a maker.

    Args:
        commission: What it is to do.
    """

    def __init__(self, commission: Commission) -> None:
        told = commission.instructions
        super().__init__(told, told.workerinput["workerid"])
        self._commission = commission

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> Generator[None]:
        """Before pytest-cov would start to measure."""
        cov.abstain(early_config)
        yield

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Make the template, and run no test."""
        from pytest_concurrent.databases.keeper import Door
        from pytest_concurrent.databases.making import Making
        from pytest_concurrent.databases.run import means

        config, commission = session.config, self._commission
        settings = config.stash[SETTINGS]
        end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=commission.door)
        providers = providers_of(config, settings, on_workers=True)
        recipes = [recipe for one in providers for recipe in one.recipes(session)]
        making = Making(Door(0, end), recipes, means(config, settings, BEGAN_NS), lends=False)
        with os.fdopen(os.dup(1), "rb") as output:
            making.prepare(commission.order, output)
        self.is_done = True
        return True
