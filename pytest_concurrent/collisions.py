"""Living beside others: names on the command line, and distributions that are in the way.

pytest has no rule for two plugins that want one name: whoever comes second dies, in
some versions at registration, in others when the command line is parsed. Ours always
give way, whoever comes first.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

_UNINSTALL = {
    "pytest-concurrent": "installs the same package folder",
    "pytest-parallel": "replaces pytest's loop with its own",
    "django-concurrent-test": "registers the same options",
}


class YieldingNames:
    """Names of ours on the command line that give way to everybody else's.

    Register it as a plugin too, so that it sees when the first conftests are loaded.

    Args:
        parser: pytest's parser; only this one is ever touched.
        group: The group of ours that shows the names in ``--help``.
    """

    def __init__(self, parser: pytest.Parser, group: pytest.OptionGroup) -> None:
        self._parser = parser
        self._group = group
        self._ours: dict[str, Any] = {}
        self._postponed: list[tuple[tuple[str, ...], dict[str, Any]]] = []

    def add(self, names: tuple[str, ...], **attributes: Any) -> None:
        """Register those of `names` that are free, as one option."""
        taken = {name for group in self._groups() for name in _names(group)}
        free = [name for name in names if name not in taken]
        if free:
            self._group.addoption(*free, **attributes)
            self._ours.update(dict.fromkeys(free, self._group.options[-1]))

    def postpone(self, names: tuple[str, ...], **attributes: Any) -> None:
        """Register `names`, which take no value, once the first conftests had their turn.

        pytest parses the arguments before it loads a conftest. There a switch of ours
        would end ``--name=value`` with an error, although the conftest accepts it.
        """
        self._postponed.append((names, attributes))

    @pytest.hookimpl(wrapper=True)
    def pytest_load_initial_conftests(self) -> Generator[None, object, object]:
        """Register what was postponed."""
        result = yield
        for names, attributes in self._postponed:
            self.add(names, **attributes)
        return result

    def watch(self) -> None:
        """From now on withdraw a name of ours just before somebody else registers it."""
        for group in self._groups():
            self._watch_group(group)
        getgroup = self._parser.getgroup

        def watched_getgroup(*args: Any, **kwargs: Any) -> pytest.OptionGroup:
            group = getgroup(*args, **kwargs)
            self._watch_group(group)
            return group

        vars(self._parser)["getgroup"] = watched_getgroup

    def _groups(self) -> Iterator[pytest.OptionGroup]:
        yield self._parser._anonymous
        yield from self._parser._groups

    def _watch_group(self, group: pytest.OptionGroup) -> None:
        # On the instance and not on the class: other parsers live in this process.
        if "addoption" not in vars(group):
            for method in (group.addoption, group._addoption):
                vars(group)[method.__name__] = self._giving_way(method)

    def _giving_way(self, register: Callable[..., None]) -> Callable[..., None]:
        def registered(*names: str, **attributes: Any) -> None:
            for name in self._ours.keys() & set(names):
                self._withdraw(name)
            register(*names, **attributes)

        return registered

    def _withdraw(self, name: str) -> None:
        argument = self._ours.pop(name)
        # Until pytest 9.1 the option keeps its names itself, since 9.0 argparse has
        # them from the start, and in 9.2 both are one list.
        own_names = getattr(argument, "_long_opts", None)
        if own_names is not None:
            own_names.remove(name)
        _remove_from_argparse(self._parser, name)
        if not argument.names():
            self._group.options.remove(argument)


def _names(group: pytest.OptionGroup) -> Iterator[str]:
    for argument in group.options:
        yield from argument.names()


def _remove_from_argparse(parser: pytest.Parser, name: str) -> None:
    actions = getattr(getattr(parser, "optparser", None), "_option_string_actions", {})
    action = actions.pop(name, None)
    if action is None:
        return
    action.option_strings.remove(name)
    if not action.option_strings:
        action.container._remove_action(action)


def conflicting_distributions() -> list[str]:
    """One line for each installed distribution that ours cannot work beside."""
    return [
        f"{name} is installed and {why}: run `pip uninstall {name}`"
        + (", then install pytest-concurrent-engine again" if "folder" in why else "")
        for name, why in _UNINSTALL.items()
        if _is_installed(name)
    ]


def register_once(pluginmanager: pytest.PytestPluginManager, module: object) -> None:
    """Keep `module` from being registered a second time, which would end pytest.

    It is registered already, by its entry point or by ``-p pytest_concurrent.plugin``; then the
    entry point is still to come. The other distribution called pytest-concurrent has one more,
    ``concurrent``, for the module that is, in the folder they share, ours.
    """
    ours = pluginmanager.get_name(module)
    names = {"pytest_concurrent"}
    if _is_installed("pytest-concurrent"):
        names.add("concurrent")
    for name in names - {ours}:
        pluginmanager.set_blocked(name)


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
