"""Make the folder that the benchmarks run in.

    python benchmarks/setup.py DIR            # everything, with a release build of this tree
    python benchmarks/setup.py DIR --wheel W  # with a wheel that was built elsewhere
    python benchmarks/setup.py DIR --suites   # only the suites of identical.py and their like

`DIR/venv` is the clean virtualenv of the speed rows, `DIR/venv-django` that of Django REST
framework's suite, `DIR/drf` its source package, and `DIR/venv-wagtail` holds wagtail, whose
wheel contains its tests. `DIR/suites/NAME` holds the source package of one project and a virtualenv
with what its tests ask for. What is there already is kept, except our
own wheel, which is built and installed anew each time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

from real_suites import SHIPPED, XDIST

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
REST_FRAMEWORK = "djangorestframework==3.18.3"
ENVIRONMENTS = {
    "venv": "requirements-speed.txt",
    "venv-django": "requirements-django.txt",
    "venv-wagtail": "requirements-wagtail.txt",
}


def make_environment(python: str, folder: Path, requirements: Path) -> Path:
    """Make a virtualenv with the pinned requirements; return its interpreter."""
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        _call(python, "-m", "venv", str(folder))
    _pip(interpreter, "install", "--quiet", "--requirement", str(requirements))
    return interpreter


def fetch_source(interpreter: Path, home: Path, requirement: str, target: Path) -> None:
    """Unpack a pinned source package, which holds its project's tests."""
    if not target.exists():
        downloads = home / "downloads"
        source_only = ("--no-binary", ":all:", "--no-deps")
        _pip(interpreter, "download", *source_only, "--dest", str(downloads), requirement)
        name, _, version = requirement.partition("==")
        archive = next(downloads.glob(f"{name.replace('-', '_')}-{version}.tar.gz"))
        with tarfile.open(archive) as packed:
            packed.extractall(downloads, filter="data")
        (downloads / archive.name.removesuffix(".tar.gz")).rename(target)


def make_suites(python: str, home: Path) -> list[Path]:
    """Make what the suites from source packages need; return their interpreters."""
    made = []
    for suite in (*SHIPPED.values(), XDIST):
        environment = home / suite.environment
        environment.parent.mkdir(parents=True, exist_ok=True)
        requirements = HERE / "suites" / f"{suite.name}.txt"
        made.append(make_environment(python, environment, requirements))
        fetch_source(made[-1], home, suite.source, home / suite.folder)
    return made


def build_wheel(wheels: Path, interpreter: Path) -> Path:
    """Build this tree in release mode, with maturin in a place of its own; return the wheel."""
    for stale in wheels.glob("*.whl"):
        stale.unlink()
    _pip(interpreter, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(PROJECT))
    return next(wheels.glob("*.whl"))


def install_wheel(interpreter: Path, wheel: Path) -> None:
    """Put our wheel into a virtualenv in place of an earlier one."""
    options = ("--quiet", "--no-deps", "--force-reinstall")
    _pip(interpreter, "install", *options, str(wheel))


def _pip(interpreter: Path, *arguments: str) -> None:
    _call(str(interpreter), "-m", "pip", "--disable-pip-version-check", *arguments)


def _call(*argv: str) -> None:
    allowing_bytecode = {**os.environ}
    allowing_bytecode.pop("PYTHONDONTWRITEBYTECODE", None)
    print("+", *argv, file=sys.stderr)
    subprocess.run(argv, check=True, env=allowing_bytecode)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("home", type=Path, metavar="DIR", help="made if it is missing")
    parser.add_argument("--suites", action="store_true", help="only those from source packages")
    parser.add_argument(
        "--python", default=sys.executable, help="of the virtualenvs; 3.11 or later"
    )
    ours = parser.add_mutually_exclusive_group()
    ours.add_argument("--wheel", type=Path, help="install this wheel instead of building one")
    ours.add_argument("--without-ours", action="store_true", help="only pytest and its peers")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Make the folder of the command line; return the exit code."""
    options = _arguments(argv)
    home: Path = options.home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    # pytest looks no further up than this: no ini file or conftest around the folder counts
    (home / "pytest.ini").write_text("[pytest]\n")
    try:
        if options.suites:
            interpreters = make_suites(options.python, home)
        else:
            interpreters = [
                make_environment(options.python, home / folder, HERE / requirements)
                for folder, requirements in ENVIRONMENTS.items()
            ]
            fetch_source(interpreters[1], home, REST_FRAMEWORK, home / "drf")
        if not options.without_ours:
            wheel = options.wheel or build_wheel(home / "wheels", interpreters[0])
            for interpreter in interpreters:
                install_wheel(interpreter, wheel)
    except subprocess.CalledProcessError as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
