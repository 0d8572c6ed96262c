from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_concurrent.compat import seeds


@pytest.fixture(autouse=True)
def fresh_watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test watches for itself, and leaves the generator as it was."""
    state = random.getstate()
    monkeypatch.setattr(seeds, "_seeded", False)
    yield
    seeds.unwatch()
    random.setstate(state)


def numpy_random(*, seed_seq: object) -> Any:
    generator = SimpleNamespace(_seed_seq=seed_seq)
    return SimpleNamespace(mtrand=SimpleNamespace(_rand=SimpleNamespace(_bit_generator=generator)))


def test_a_seed_is_noticed_and_given_on() -> None:
    seeds.watch()
    assert not seeds.random_was_seeded()
    random.seed(7)
    assert seeds.random_was_seeded()
    assert random.random() == random.Random(7).random()


def test_drawing_numbers_is_no_seed() -> None:
    seeds.watch()
    random.random()
    assert not seeds.random_was_seeded()


def test_watching_twice_ends_with_once() -> None:
    original = random.seed
    seeds.watch()
    seeds.watch()
    assert random.seed != original
    seeds.unwatch()
    assert random.seed == original


def test_seeds_after_the_watch_do_not_count() -> None:
    seeds.watch()
    seeds.unwatch()
    random.seed(7)
    assert not seeds.random_was_seeded()


def test_numpy_is_not_imported_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numpy.random", raising=False)
    assert not seeds.numpy_was_seeded()
    assert "numpy.random" not in sys.modules


@pytest.mark.parametrize(("seed_seq", "seeded"), [(None, True), (object(), False)])
def test_seeded_numpy_has_forgotten_its_seed(
    monkeypatch: pytest.MonkeyPatch, seed_seq: object, seeded: bool
) -> None:
    monkeypatch.setitem(sys.modules, "numpy.random", numpy_random(seed_seq=seed_seq))
    assert seeds.numpy_was_seeded() is seeded
