"""Warnings: text, class and place travel; the class is looked up, never imported."""

from __future__ import annotations

import builtins
import sys
import warnings
from typing import Any

from pytest_concurrent.payload import shape


def pack(
    warning_message: warnings.WarningMessage,
    when: str,
    nodeid: str,
    location: tuple[str, int, str] | None,
) -> dict[str, Any]:
    """What the controller needs to record the warning itself."""
    category = warning_message.category
    return {
        "text": str(warning_message.message),
        "classes": [(known.__module__, known.__qualname__) for known in category.__mro__],
        "filename": warning_message.filename,
        "lineno": warning_message.lineno,
        "line": warning_message.line,
        "when": when,
        "nodeid": nodeid,
        "location": location,
    }


def unpack(packed: dict[str, Any]) -> dict[str, Any]:
    """The arguments of pytest's hook `pytest_warning_recorded`.

    Raises:
        Exception: It is not what `pack` made.
    """
    shape.check_warning(packed)
    category = _category(packed["classes"])
    message = warnings.WarningMessage(
        _message(category, packed["text"]),
        category,
        packed["filename"],
        packed["lineno"],
        line=packed["line"],
    )
    return {
        "warning_message": message,
        "when": packed["when"],
        "nodeid": packed["nodeid"],
        "location": packed["location"],
    }


def _category(classes: list[tuple[str, str]]) -> type[Warning]:
    module, name = classes[0]
    known = _known(module, name)
    if known is not None:
        return known
    # Made inside a test: a class of the same name below its nearest class known here.
    parents = (_known(*parent) for parent in classes[1:])
    parent = next((known for known in parents if known is not None), Warning)
    return type(name.rpartition(".")[2], (parent,), {"__module__": module, "__qualname__": name})


def _known(module: str, name: str) -> type[Warning] | None:
    found: Any = builtins if module == "builtins" else sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) and issubclass(found, Warning) else None


def _message(category: type[Warning], text: str) -> Warning:
    """An instance that reads like the original, whatever its constructor wants."""
    try:
        message = category.__new__(category, text)
        if str(message) == text:
            return message
    except Exception:  # its `__new__` or `__str__` wants what only the original had
        pass
    speaking = type(
        category.__name__,
        (category,),
        {"__str__": lambda self: text, "__module__": category.__module__},
    )
    return Warning.__new__(speaking)
