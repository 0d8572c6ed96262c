"""A pytest plugin that reads pytest-xdist's words as ours, in suites that start pytest by pytester.

Loaded into the outer pytest (`-p xdist_words`); the inner ones get translated arguments, and
translated `addopts` in the ini files that tests write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

#: What stays together, by the word for it.
_GROUPS = {"loadscope": "class", "loadfile": "file", "loadgroup": "mark"}

#: Words that have no counterpart because what they ask for never happens here.
_DROPPED = re.compile(r"-d|--(no-)?loadscope-reorder|--rsyncdir=.*")


def translated(arguments: list[str]) -> list[str]:
    """Give the arguments of a run on workers in our words.

    `-n K` is K workers, and so are K times `--tx`. Of the ways to distribute, those that keep tests
    together have a counterpart, and `each` has none: no test runs twice here.
    """
    found: list[str] = []
    workers = 0
    words = iter(arguments)
    for word in words:
        name, _, value = word.partition("=")
        if word in ("-n", "--tx", "--dist"):
            name, value = word, next(words)
        elif re.fullmatch(r"-n ?\d+", word):
            name, value = "-n", word[2:].strip()
        if name == "-n":
            found += _on_workers(int(value))
        elif name == "--tx":
            workers += int(value.partition("*")[0]) if "*" in value else 1
        elif name == "--dist":
            found += [f"--concurrent-group={_GROUPS[value]}"] if value in _GROUPS else []
        elif name == "--max-worker-restart":
            found.append(f"--concurrent-max-worker-restarts={value}")
        elif not _DROPPED.fullmatch(word):
            found.append(word)
    return found if not workers or "--concurrent" in found else [*found, *_on_workers(workers)]


def _on_workers(count: int) -> list[str]:
    # With -v xdist names the worker before each test; here, where a plugin listens to its hooks.
    listener = ["-p", "xdist_listener"] if count else []
    return ["--concurrent", f"--workers={count}", *listener]


def pytest_configure() -> None:
    """Translate what pytester is given."""
    for method in ("runpytest", "runpytest_subprocess", "runpytest_inprocess", "inline_run"):
        _translate(method, lambda words: translated([str(word) for word in words]))
    _translate("spawn_pytest", lambda words: [" ".join(translated(words[0].split())), *words[1:]])
    _translate("makeini", lambda words: [_translated_ini(words[0]), *words[1:]])


def _translate(method: str, translate: Callable[[list[Any]], list[Any]]) -> None:
    original = getattr(pytest.Pytester, method)

    def wrapper(self: pytest.Pytester, *arguments: Any, **options: Any) -> Any:
        return original(self, *translate(list(arguments)), **options)

    setattr(pytest.Pytester, method, wrapper)


def _translated_ini(text: str) -> str:
    return "\n".join(_translated_lines(text))


def _translated_lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if separator and key.strip() == "addopts":
            yield f"{key}= {' '.join(translated(value.split()))}"
        else:
            yield line
