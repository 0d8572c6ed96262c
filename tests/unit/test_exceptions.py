"""Our errors: what they share, and that they cross process borders whole."""

from __future__ import annotations

import pickle

import pytest

from pytest_concurrent import exceptions
from pytest_concurrent.exceptions import (
    ConcurrentTestException,
    DatabaseCloneException,
    DatabaseTemplateException,
    UnsupportedDatabase,
)

EVERY = [value for value in vars(exceptions).values() if isinstance(value, type)]


@pytest.mark.parametrize("error", EVERY)
def test_error_says_what_to_do(error: type[DatabaseTemplateException]) -> None:
    assert issubclass(error, DatabaseTemplateException)
    assert error("it broke").hint.endswith(".")
    assert error("it broke", hint="Mend it.").hint == "Mend it."
    assert str(error("it broke", hint="Mend it.")) == "it broke"


@pytest.mark.parametrize("error", EVERY)
def test_error_is_pickled_whole(error: type[DatabaseTemplateException]) -> None:
    copy = pickle.loads(pickle.dumps(error("it broke", hint="Mend it.")))
    assert (type(copy), str(copy), copy.hint) == (error, "it broke", "Mend it.")


def test_own_errors_have_one_base() -> None:
    others = {error for error in EVERY if not issubclass(error, ConcurrentTestException)}
    assert others == {DatabaseTemplateException, DatabaseCloneException, UnsupportedDatabase}
    assert all(issubclass(error, DatabaseTemplateException) for error in EVERY)


def test_no_error_is_collected_as_a_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("from pytest_concurrent.exceptions import *\ndef test_passes(): pass")
    result = pytester.runpytest("-W", "error")
    result.assert_outcomes(passed=1)
