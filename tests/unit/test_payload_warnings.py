from __future__ import annotations

import sys
import warnings
from typing import Any

import pytest

from pytest_concurrent.payload import warnings as packed_warnings


class Demanding(UserWarning):
    """Wants two arguments and says something of its own."""

    def __init__(self, code: int, place: str) -> None:
        super().__init__(code, place)
        self.code, self.place = code, place

    def __str__(self) -> str:
        return f"{self.code} at {self.place}"


def carried(message: Warning, **more: Any) -> dict[str, Any]:
    recorded = warnings.WarningMessage(message, type(message), "file.py", 12, line="the line")
    packed = packed_warnings.pack(recorded, "runtest", "test_a.py::test_x", None)
    packed.update(more)
    return packed_warnings.unpack(packed)


def test_a_builtin_warning_comes_out_as_it_went_in() -> None:
    told = carried(DeprecationWarning("use the other"))
    message = told["warning_message"]
    assert (message.category, str(message.message)) == (DeprecationWarning, "use the other")
    assert isinstance(message.message, DeprecationWarning)
    assert (message.filename, message.lineno, message.line) == ("file.py", 12, "the line")
    assert (told["when"], told["nodeid"]) == ("runtest", "test_a.py::test_x")


def test_location_and_phase_travel() -> None:
    told = carried(UserWarning("x"), when="collect", location=("file.py", 3, "function"))
    assert (told["when"], told["location"]) == ("collect", ("file.py", 3, "function"))


def test_a_class_that_is_known_is_found() -> None:
    assert carried(pytest.PytestWarning("x"))["warning_message"].category is pytest.PytestWarning


def test_a_demanding_constructor_is_not_called() -> None:
    message = carried(Demanding(7, "home"))["warning_message"].message
    assert isinstance(message, Demanding)
    assert str(message) == "7 at home"


def test_a_class_made_in_a_test_keeps_its_name() -> None:
    class Local(FutureWarning):
        pass

    category = carried(Local("soon"))["warning_message"].category
    assert category is not Local
    assert (category.__name__, category.__module__) == ("Local", __name__)
    assert category.__bases__ == (FutureWarning,)


def test_no_module_is_imported_for_a_class() -> None:
    classes = [("colorsys", "Unheard"), ("builtins", "UserWarning")]
    sys.modules.pop("colorsys", None)
    category = carried(UserWarning("x"), classes=classes)["warning_message"].category
    assert (category.__name__, category.__bases__) == ("Unheard", (UserWarning,))
    assert "colorsys" not in sys.modules


def test_a_name_of_something_else_is_no_class() -> None:
    classes = [("builtins", "print"), ("builtins", "RuntimeWarning")]
    category = carried(RuntimeWarning("x"), classes=classes)["warning_message"].category
    assert category.__bases__ == (RuntimeWarning,)
