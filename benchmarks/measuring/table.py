"""Results as tables for people: one on the terminal, all of them in `results/README.md`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from measuring.process import Cost
from measuring.result import Judgement, Result, load

MIB = 1024 * 1024
INDEX_HEAD = """# Recorded results

Made by the programs one folder up; do not edit. Each figure is the median over the rounds, with
the smallest and the largest in brackets. *Ceiling*: the work of two busy loops at once against
one, measured before each round; nothing that keeps two processors busy can be faster than one
by more than that.
"""


def write_index(results: Path) -> None:
    """Write `README.md` of a results folder from its JSON files."""
    parts = [as_markdown(load(path)) for path in sorted(results.glob("*.json"))]
    (results / "README.md").write_text("\n".join([INDEX_HEAD, *parts]))


def as_markdown(result: Result) -> str:
    """Give one result as a section with a table of costs and one of criteria."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: Result) -> Iterator[str]:
    yield f"## {result.name}: {result.title}"
    yield ""
    if not result.rounds:
        yield "No round was taken yet."
        return
    yield f"{len(result.rounds)} of {result.wanted} rounds, ceiling {result.ceiling()}."
    yield _where(result)
    yield from ["", "| Command | Wall, s | CPU, s | Controller's CPU, s | Peak memory, MiB |"]
    yield "|---|---|---|---|---|"
    yield from (_costs(result, label) for label in result.labels())
    yield from _left_behind(result)
    if result.judgements:
        yield from ["", "| Figure | Median (min to max) | Limit | |", "|---|---|---|---|"]
        yield from map(_judged, result.judgements)


def _where(result: Result) -> str:
    machine, versions = result.setting["machine"], result.setting["versions"]
    if not isinstance(machine, Mapping) or not isinstance(versions, Mapping):
        return ""
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    processors = f"{machine['processors']} processors ({machine['processor']})"
    return f"{processors}, {machine['system']} {machine['kernel']}; {listed}."


def _left_behind(result: Result) -> Iterator[str]:
    for label in result.labels():
        stayed = result.spread(label, lambda cost: cost.left_behind)
        if stayed.most:
            yield from ["", f"**{label} left processes behind: {stayed} a run.**"]


def _costs(result: Result, label: str) -> str:
    figures: tuple[Callable[[Cost], float], ...] = (
        lambda cost: cost.wall,
        lambda cost: cost.cpu,
        lambda cost: cost.controller,
    )
    cells = [str(result.spread(label, figure)) for figure in figures]
    memory = result.spread(label, lambda cost: cost.peak_pss / MIB)
    return f"| {label} | {' | '.join(cells)} | {memory if memory.most else '-'} |"


def _judged(judgement: Judgement) -> str:
    if judgement.limit is None:
        return f"| {judgement.name} | {judgement.spread} | - | |"
    verdict = "held" if judgement.held else "**missed**"
    return f"| {judgement.name} | {judgement.spread} | ≤ {judgement.limit:g} | {verdict} |"
