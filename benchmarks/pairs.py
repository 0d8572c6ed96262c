"""Compare any commands in interleaved rounds: A B C, then A B C again, and so on.

    python benchmarks/pairs.py NAME --home DIR "plain=python -m pytest …" "ours=python -m pytest …"

The first command is the reference of the ratios. The rounds go to `benchmarks/results/NAME.json`
after each of them; the same command line goes on where the last one stopped. Exit code 0:
finished, 2: a command failed, 3: the minutes were up first.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from measuring.process import CommandError, Cost
from measuring.result import Criterion
from measuring.rounds import Command
from measuring.sitting import Comparison, Sitting

RESULTS = Path(__file__).parent / "results"


def ratio(label: str, reference: str, figure: Callable[[Cost], float], what: str) -> Criterion:
    """Make the criterion `label / reference` of one figure, without a limit."""

    def of(costs: Mapping[str, Cost]) -> float:
        return figure(costs[label]) / figure(costs[reference])

    return Criterion(f"{what}: {label} ÷ {reference}", of)


def ratios(labels: Sequence[str], *, memory: bool) -> list[Criterion]:
    """Compare every label but the first with the first: memory, or wall and CPU time."""
    others = labels[1:]
    if memory:
        return [ratio(o, labels[0], lambda cost: cost.peak_pss, "peak memory") for o in others]
    walls = [ratio(o, labels[0], lambda cost: cost.wall, "wall") for o in others]
    return walls + [ratio(o, labels[0], lambda cost: cost.cpu, "CPU") for o in others]


def parse_command(text: str, cwd: Path, expected_exit: int = 0, limit: float = 600) -> Command:
    """Read `label=command line`. Raises `ValueError` when it is not of that form."""
    label, separator, line = text.partition("=")
    argv = shlex.split(line)
    if not separator or not label.isidentifier() or not argv:
        raise ValueError(f"{text!r} is not of the form label=command")
    return Command(label, argv, cwd, expected_exit=expected_exit, limit=limit)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("name", help="of the result file")
    parser.add_argument("commands", nargs="+", metavar="LABEL=COMMAND")
    parser.add_argument(
        "--home", type=Path, default=Path.cwd(), help="folder for logs (default: this)"
    )
    parser.add_argument(
        "--cwd", type=Path, default=Path.cwd(), help="where commands run (default: here)"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the result file")
    parser.add_argument("--title", default="", help="what is compared, for the table")
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument(
        "--warm-ups", type=int, default=1, help="unmeasured rounds first (default 1)"
    )
    parser.add_argument(
        "--minutes", type=float, default=9.5, help="stop before a round that would not fit"
    )
    parser.add_argument(
        "--memory", action="store_true", help="sample memory; costs CPU, so times suffer"
    )
    parser.add_argument("--expected-exit", type=int, default=0, metavar="CODE", help="default 0")
    parser.add_argument(
        "--limit", type=float, default=600, help="seconds until a run counts as hung"
    )
    parser.add_argument(
        "--again", action="store_true", help="forget the rounds of earlier sittings"
    )
    return parser.parse_args(argv)


def _interpreter(commands: Sequence[Command]) -> Path:
    """Ask the first command's interpreter for versions, or this one if it is another program."""
    program = commands[0].argv[0]
    return Path(program if "python" in Path(program).name else sys.executable)


def main(argv: Sequence[str] | None = None) -> int:
    """Compare what the command line names; return the exit code."""
    options = _arguments(argv)
    try:
        commands = [
            parse_command(text, options.cwd, options.expected_exit, options.limit)
            for text in options.commands
        ]
        comparison = Comparison(
            options.name,
            options.title or "commands compared",
            commands,
            ratios([command.label for command in commands], memory=options.memory),
            _interpreter(commands),
            options.rounds,
            options.warm_ups,
            options.memory,
        )
        options.results.mkdir(parents=True, exist_ok=True)
        sitting = Sitting(options.results, options.home.resolve(), options.minutes, options.again)
        return sitting.hold(comparison)
    except (CommandError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
