"""What earlier templates were made from, so that they are found again and misses explained.

Which files a build opens is known only afterwards. So each build leaves a list of them, and the
next look-up digests the same files again (as compiler caches do with included files).
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pytest_concurrent.databases.inputs import Inputs, Places, difference, digest

#: Builds that are remembered for each database: as many branches as somebody switches between.
_KEPT = 16


@dataclass(frozen=True)
class Build:
    """One finished build.

    Attributes:
        key: The key under which its template was published.
        static: Key of what was known before it.
        inputs: Digest of each input that was known before it.
        recorded: Digest of each file that it opened and folder that it listed, by path.
        unkept: Whether no file of its template could be written.
    """

    key: str
    static: str
    inputs: dict[str, str]
    recorded: dict[str, str]
    unkept: bool = False


class Manifests:
    """The builds of one database that are remembered, the newest first.

    Args:
        folder: Where they are kept; made when the first one is.
        name: Which database: project, alias and back end.
        places: What recorded paths are relative to.
    """

    def __init__(self, folder: Path, name: str, places: Places) -> None:
        self._places = places
        self._path = folder / f"{digest(name.encode())[:24]}.json"

    def candidates(self, inputs: Inputs) -> Iterator[tuple[str, Build]]:
        """Keys that a template of these inputs could have, with the build behind each."""
        static = inputs.key()
        seen = set()
        for build in self._read():
            if build.static == static:
                key = inputs.key(self._places.digests(build.recorded))
                if key not in seen:
                    seen.add(key)
                    yield key, build

    def has_built(self, inputs: Inputs) -> bool:
        """Whether there was a build of these inputs, with the files that it opened as they are."""
        built = {build.key for build in self._read()}
        return any(key in built for key, _ in self.candidates(inputs))

    def explain(self, inputs: Inputs) -> str:
        """Which inputs changed since the newest build, in words; empty if there was none."""
        builds = self._read()
        if not builds:
            return ""
        newest = builds[0]
        now = {**inputs.digests, **self._places.digests(newest.recorded)}
        return difference({**newest.inputs, **newest.recorded}, now)

    def remember(self, build: Build) -> None:
        """Put a build first. What cannot be written is not remembered, which costs time only."""
        kept = [one for one in self._read() if one.key != build.key][: _KEPT - 1]
        text = json.dumps([asdict(one) for one in (build, *kept)])
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=".manifest-")
            try:
                with os.fdopen(handle, "w") as file:
                    file.write(text)
                Path(temporary).replace(self._path)
            except OSError:
                Path(temporary).unlink(missing_ok=True)
                raise

    def _read(self) -> list[Build]:
        try:
            entries = json.loads(self._path.read_text())
            return [Build(**entry) for entry in entries if _is_build(entry)]
        except (OSError, ValueError, TypeError, RecursionError):
            return []  # an unreadable memory is none


def _is_build(entry: object) -> bool:
    return isinstance(entry, Mapping) and all(
        isinstance(entry.get(name), kind)
        for name, kind in (("key", str), ("static", str), ("inputs", dict), ("recorded", dict))
    )
