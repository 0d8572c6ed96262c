"""Which plugins are there, and how each is treated."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_concurrent.compat import known, lookahead
from pytest_concurrent.reporting.doctor import Finding, Grade

#: Packages whose plugins are not worth a line: pytest's own, and ours.
_OWN = ("_pytest", "pytest", "pytest_concurrent")

#: So many files are named; the others are counted.
_NAMED = 3


def findings(config: pytest.Config) -> list[Finding]:
    """One finding for each plugin, and what of its hooks needs care.

    Args:
        config: pytest's configuration.
    """
    return [*_distributions(config), *_others(config), *_peculiarities(config)]


def _distributions(config: pytest.Config) -> Iterator[Finding]:
    found: dict[str, str] = {}
    for _, distribution in config.pluginmanager.list_plugin_distinfo():
        found[distribution.project_name] = distribution.version
    for name, version in sorted(found.items()):
        if name == "pytest-concurrent-engine":
            continue
        treated = known.treatment(name)
        if treated is None:
            treated = "not one that we know: its hooks run where pytest's own would"
            yield Finding(f"{name} {version}", treated)
        else:
            yield Finding(f"{name} {version}", treated, Grade.FINE)


def _others(config: pytest.Config) -> Iterator[Finding]:
    """Plugins that are files of the project or were named by ``-p``."""
    installed = {id(plugin) for plugin, _ in config.pluginmanager.list_plugin_distinfo()}
    files = [
        plugin
        for plugin in config.pluginmanager.get_plugins()
        if getattr(plugin, "__file__", None) and id(plugin) not in installed
    ]
    conftests = [one for one in files if Path(one.__file__).name == "conftest.py"]
    if conftests:
        places = [_place(config, one.__file__) for one in conftests]
        more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
        text = f"{', '.join(places[:_NAMED])}{more}: hooks run where pytest's own would"
        yield Finding("conftest.py", text)
    for plugin in files:
        package = plugin.__name__.partition(".")[0]
        if plugin not in conftests and package not in _OWN and not _is_installed(config, package):
            yield Finding(plugin.__name__, f"a module: {_place(config, plugin.__file__)}")


def _is_installed(config: pytest.Config, package: str) -> bool:
    """Whether a package belongs to a distribution that has a line already."""
    plugins = (plugin for plugin, _ in config.pluginmanager.list_plugin_distinfo())
    return any(getattr(one, "__name__", "").partition(".")[0] == package for one in plugins)


def _peculiarities(config: pytest.Config) -> Iterator[Finding]:
    """Hooks that change how tests run, or that are not called."""
    for implementation in lookahead.onlookers(config):
        name = implementation.function.__name__
        text = f"{_source(config, implementation.function)}: {name} looks at nextitem, so the next "
        yield Finding("decided early", f"{text}test is decided before each runs", Grade.NOTE)
    for implementation in config.hook.pytest_runtestloop.get_hookimpls():
        package = (implementation.function.__module__ or "").partition(".")[0]
        wraps = implementation.wrapper or implementation.hookwrapper
        if not wraps and package not in _OWN and package != "xdist":
            text = f"{_source(config, implementation.function)}: pytest_runtestloop"
            yield Finding("not called", f"{text} of others, while tests run on workers", Grade.NOTE)


def _source(config: pytest.Config, function: Any) -> str:
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        return str(getattr(function, "__module__", function))
    return f"{_place(config, code.co_filename)}:{code.co_firstlineno}"


def _place(config: pytest.Config, file: str) -> str:
    """A file of the project from its root folder, one of a package from where packages are."""
    path = Path(file)
    for folder in (config.rootpath, *map(Path, filter(None, sys.path))):
        if path.is_relative_to(folder):
            return str(path.relative_to(folder))
    return file
