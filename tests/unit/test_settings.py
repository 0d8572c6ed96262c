"""Which value wins, what is refused, and what a run is told about it."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_concurrent.options import OPTIONS, Option
from pytest_concurrent.settings import Settings, Shard, resolve

NO_VARIABLES: Mapping[str, str] = {}


def resolved(
    pytester: pytest.Pytester, *args: str, environ: Mapping[str, str] = NO_VARIABLES
) -> Settings:
    """The settings of ``pytest *args``."""
    return resolve(pytester.parseconfig("-p", "no:timeout", *args), environ)


def refusal(
    pytester: pytest.Pytester, *args: str, environ: Mapping[str, str] = NO_VARIABLES
) -> str:
    """Why ``pytest *args`` ends before it starts."""
    with pytest.raises(pytest.UsageError) as caught:
        resolved(pytester, *args, environ=environ)
    return "\n".join(caught.value.args)


@pytest.fixture
def django(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The settings of a Django that is configured."""
    settings = SimpleNamespace(configured=True)
    monkeypatch.setitem(sys.modules, "django.conf", SimpleNamespace(settings=settings))
    return settings


@pytest.fixture
def sample(pytester: pytest.Pytester) -> dict[str, tuple[str, object]]:
    """A text for each option's word, and its value, never the default."""
    read = pytester.path / "read.json"
    read.touch()
    write = pytester.path / "write.json"
    files = {f"{verb}-timings{end}" for verb in ("export", "import") for end in ("", "-csv")}
    return {
        **dict.fromkeys(("timeout", "test-timeout", "slow", "worker-timeout"), ("7.5", 7.5)),
        **{word: ("read.json", read) for word in files if word.startswith("import")},
        **{word: ("write.json", write) for word in files if word.startswith("export")},
        "benchmark-json": ("write.json", write),
        "events": ("write.json", write),
        "workers": ("3", 3),
        **dict.fromkeys(("max-worker-restarts", "max-retries", "recycle-after"), ("9", 9)),
        **dict.fromkeys(("min-workers", "max-workers"), ("7", 7)),
        "retry-delay": ("7.5", 7.5),
        "scale": ("yes", True),
        "memory-limit": ("2KiB", 2048),
        "keep-children": ("redis *, minio", ("redis *", "minio")),
        "preload": ("json, os.path", ("json", "os.path")),
        "enabled": ("yes", True),
        "benchmark": ("on", True),
        "doctor": ("on", True),
        "short-marks": ("1", True),
        "gc-tuning": ("off", False),
        "start": ("fork", "fork"),
        "group": ("file", "file"),
        "shard": ("2/3", Shard(2, 3)),
        "db": ("fresh", "fresh"),
        **dict.fromkeys(("db-rebuild", "db-clean"), ("1", True)),
        "db-cache": ("templates", pytester.path / "templates"),
        **dict.fromkeys(("db-max-operations", "db-keep-templates", "db-keep-days"), ("7", 7)),
        "db-health-interval": ("7.5", 7.5),
        **dict.fromkeys(("database", "database-setup"), ("text", "text")),
        **dict.fromkeys(("allow-databases", "database-inputs"), ("a, b", ("a", "b"))),
    }


Sample = dict[str, tuple[str, object]]
ON_COMMAND_LINE = [o for o in OPTIONS if not o.ini_only]
word = {"ids": lambda option: option.word}


@pytest.mark.parametrize("option", ON_COMMAND_LINE, **word)  # type: ignore[arg-type]
def test_every_flag_sets_its_field(
    pytester: pytest.Pytester, sample: Sample, option: Option[Any]
) -> None:
    text, value = sample[option.word]
    for flag in option.flags:
        settings = resolved(pytester, f"{flag}={text}" if option.metavar else flag)
        assert getattr(settings, option.field) == value
        assert settings.source(option.field) == f"{flag} on the command line"


@pytest.mark.parametrize("option", ON_COMMAND_LINE, **word)  # type: ignore[arg-type]
def test_every_variable_sets_its_field(
    pytester: pytest.Pytester, sample: Sample, option: Option[Any]
) -> None:
    text, value = sample[option.word]
    for name in option.environment:
        settings = resolved(pytester, environ={name: text})
        assert getattr(settings, option.field) == value
        assert settings.source(option.field) == f"environment variable {name}"


@pytest.mark.parametrize(("text", "rebuild"), [("false", True), ("0", True), ("on", False)])
def test_variable_of_contrary_meaning_is_turned_round(
    pytester: pytest.Pytester, text: str, rebuild: bool
) -> None:
    environ = {"DJANGO_TEST_TEMPLATE_CACHE": text}
    assert resolved(pytester, environ=environ).db_rebuild is rebuild
    message = refusal(pytester, "--concurrent", environ={"DJANGO_TEST_TEMPLATE_CACHE": "maybe"})
    assert "'maybe' is not accepted for --concurrent-db-rebuild" in message


@pytest.mark.parametrize("option", OPTIONS, **word)  # type: ignore[arg-type]
def test_every_ini_key_sets_its_field(
    pytester: pytest.Pytester, sample: Sample, option: Option[Any]
) -> None:
    text, value = sample[option.word]
    for key in option.ini_keys:
        file = pytester.makeini(f"[pytest]\n{key} = {text}\n")
        settings = resolved(pytester)
        assert getattr(settings, option.field) == value
        assert settings.source(option.field) == f"{key} in {file}"


@pytest.mark.parametrize("option", OPTIONS, **word)  # type: ignore[arg-type]
def test_every_django_key_sets_its_field(
    pytester: pytest.Pytester, django: SimpleNamespace, sample: Sample, option: Option[Any]
) -> None:
    text, value = sample[option.word]
    for key in (key for key in option.django if key != "TEST_TIMINGS_FILE"):
        django.CONCURRENT_TEST = {key.lower(): text}
        settings = resolved(pytester)
        assert getattr(settings, option.field) == value
        assert settings.source(option.field) == f"settings.CONCURRENT_TEST['{key}']"


def test_list_of_django_settings_is_read_as_one(
    pytester: pytest.Pytester, django: SimpleNamespace
) -> None:
    django.CONCURRENT_TEST = {"ALLOW_DATABASES": ["live_copy", "prod_copy"]}
    assert resolved(pytester).allow_databases == ("live_copy", "prod_copy")


def test_nothing_given_means_defaults(pytester: pytest.Pytester) -> None:
    settings = resolved(pytester)
    assert settings == Settings()
    assert settings.source("workers") == "default"


def test_better_place_wins(pytester: pytest.Pytester, django: SimpleNamespace) -> None:
    django.CONCURRENT_TEST = {"WORKERS": 1}
    assert resolved(pytester).workers == 1
    pytester.makeini("[pytest]\nconcurrent_workers = 2\n")
    assert resolved(pytester).workers == 2
    environ = {"DJANGO_TEST_WORKERS": "3"}
    assert resolved(pytester, environ=environ).workers == 3
    environ["PYTEST_CONCURRENT_OPT_WORKERS"] = "4"
    assert resolved(pytester, environ=environ).workers == 4
    assert resolved(pytester, "--workers=5", environ=environ).workers == 5


def test_empty_value_counts_as_unset(pytester: pytest.Pytester, django: SimpleNamespace) -> None:
    django.CONCURRENT_TEST = {"WORKERS": "", "TIMEOUT": None}
    pytester.makeini("[pytest]\nconcurrent_workers =\n")
    settings = resolved(pytester, "--concurrent", environ={"DJANGO_TEST_WORKERS": " "})
    assert (settings.workers, settings.worker_timeout) == ("auto", 300.0)


def test_empty_value_on_command_line_is_refused(pytester: pytest.Pytester) -> None:
    assert "'' is not accepted for --concurrent-workers" in refusal(pytester, "--workers=")


def test_settings_travel_between_processes(pytester: pytest.Pytester) -> None:
    settings = resolved(pytester, "--concurrent", "--concurrent-shard=1/2")
    copy = pickle.loads(pickle.dumps(settings))
    assert copy == settings
    assert copy.source("shard") == settings.source("shard")


def test_no_concurrent_overrides_every_place(
    pytester: pytest.Pytester, django: SimpleNamespace
) -> None:
    django.CONCURRENT_TEST = {"ENABLED": True}
    pytester.makeini("[pytest]\nconcurrent_enabled = true\n")
    environ = {"DJANGO_ENABLE_CONCURRENT": "1"}
    assert resolved(pytester, environ=environ).enabled
    assert not resolved(pytester, "--no-concurrent", environ=environ).enabled


def test_django_variable_vetoes_command_line(pytester: pytest.Pytester) -> None:
    environ = {"DJANGO_ENABLE_CONCURRENT": "0", "PYTEST_CONCURRENT_OPT_ENABLED": "1"}
    settings = resolved(pytester, "--concurrent", environ=environ)
    assert not settings.enabled
    assert settings.source("enabled") == "environment variable DJANGO_ENABLE_CONCURRENT"
    assert settings.sequential_reason == "DJANGO_ENABLE_CONCURRENT switches concurrency off"


def test_own_variable_vetoes_nothing(pytester: pytest.Pytester) -> None:
    environ = {"PYTEST_CONCURRENT_OPT_ENABLED": "0"}
    assert resolved(pytester, "--concurrent", environ=environ).enabled


class TestNestedRun:
    ENVIRON: Mapping[str, str] = {"PYTEST_CONCURRENT": "1", "DJANGO_ENABLE_CONCURRENT": "1"}

    def test_is_sequential_whatever_the_files_say(
        self, pytester: pytest.Pytester, django: SimpleNamespace
    ) -> None:
        django.CONCURRENT_TEST = {"ENABLED": True}
        pytester.makeini("[pytest]\nconcurrent_enabled = true\naddopts = --concurrent\n")
        assert not resolved(pytester, environ=self.ENVIRON).enabled

    def test_obeys_its_own_command_line(self, pytester: pytest.Pytester) -> None:
        assert resolved(pytester, "--concurrent", environ=self.ENVIRON).enabled


class TestRefusal:
    @pytest.mark.parametrize(
        ("environ", "place"),
        [
            ({"DJANGO_TEST_WORKERS": "many"}, "environment variable DJANGO_TEST_WORKERS"),
            ({"PYTEST_CONCURRENT_OPT_WORKERS": "many"}, "PYTEST_CONCURRENT_OPT_WORKERS"),
        ],
    )
    def test_names_the_variable(
        self, pytester: pytest.Pytester, environ: dict[str, str], place: str
    ) -> None:
        message = refusal(pytester, "--concurrent", environ=environ)
        assert "'many' is not accepted for --concurrent-workers" in message
        assert place in message
        assert "expected auto, or a whole number from 0 to 1024" in message

    def test_names_the_ini_file(self, pytester: pytest.Pytester) -> None:
        file = pytester.makeini("[pytest]\nconcurrent_slow = never\n")
        assert f"(concurrent_slow in {file})" in refusal(pytester, "--concurrent")
        message = refusal(pytester, "--concurrent", "-o", "concurrent_slow=never")
        assert "(concurrent_slow with -o)" in message

    def test_names_the_django_key(self, pytester: pytest.Pytester, django: SimpleNamespace) -> None:
        django.CONCURRENT_TEST_CONFIG = {"worker_timeout": -1}
        message = refusal(pytester, "--concurrent")
        assert "settings.CONCURRENT_TEST_CONFIG['WORKER_TIMEOUT']" in message
        assert "'-1' is not accepted for --concurrent-worker-timeout" in message

    def test_names_everything_at_once(self, pytester: pytest.Pytester) -> None:
        message = refusal(pytester, "--workers=x", "--concurrent-shard=4/3")
        assert len(message.splitlines()) == 2

    @pytest.mark.parametrize("entry", [{"WRKERS": 3}, {"wrkers": 3}])
    def test_names_unknown_django_keys(
        self, pytester: pytest.Pytester, django: SimpleNamespace, entry: dict[str, int]
    ) -> None:
        django.CONCURRENT_TEST = entry
        assert "unknown keys: WRKERS; known are ALLOW_DATABASES, BENCHMARK" in refusal(
            pytester, "--concurrent"
        )

    @pytest.mark.parametrize("key", ["JUNIT_XML", "junit_xml"])
    def test_names_keys_of_later_versions(
        self, pytester: pytest.Pytester, django: SimpleNamespace, key: str
    ) -> None:
        django.CONCURRENT_TEST = {key: "x"}
        assert f"{key.upper()} is not available" in refusal(pytester, "--concurrent")

    def test_names_a_setting_that_is_no_dictionary(
        self, pytester: pytest.Pytester, django: SimpleNamespace
    ) -> None:
        django.CONCURRENT_TEST = ["WORKERS"]
        assert "is a list: expected a dictionary" in refusal(pytester, "--concurrent")

    def test_names_a_wrong_veto(self, pytester: pytest.Pytester) -> None:
        message = refusal(pytester, "--concurrent", environ={"DJANGO_ENABLE_CONCURRENT": "off!"})
        assert "'off!' is not accepted for --concurrent " in message

    def test_is_short_for_a_long_value(self, pytester: pytest.Pytester) -> None:
        assert len(refusal(pytester, "--workers=" + "9" * 5000)) < 300


class TestRunWithoutConcurrency:
    ENVIRON: Mapping[str, str] = {"DJANGO_TEST_WORKERS": "many", "DJANGO_TEST_TIMEOUT": "-1"}

    def test_ignores_what_only_workers_need(
        self, pytester: pytest.Pytester, django: SimpleNamespace
    ) -> None:
        django.CONCURRENT_TEST = {"WRKERS": 3}
        pytester.makeini("[pytest]\nconcurrent_slow = never\n")
        assert resolved(pytester, environ=self.ENVIRON) == Settings()

    def test_warns_about_a_wrong_switch(self, pytester: pytest.Pytester) -> None:
        settings = resolved(pytester, environ={"DJANGO_ENABLE_CONCURRENT": "maybe"})
        assert not settings.enabled
        assert len(settings.warnings) == 1
        assert "'maybe' is not accepted" in settings.warnings[0]

    def test_still_refuses_a_wrong_command_line(self, pytester: pytest.Pytester) -> None:
        assert "--workers on the command line" in refusal(pytester, "--workers=abc")

    def test_says_which_options_have_no_effect(self, pytester: pytest.Pytester) -> None:
        meaningful = "--benchmark", "--concurrent-events=events.jsonl"
        settings = resolved(pytester, "--workers=2", "--test-timeout=5", *meaningful)
        assert settings.warnings == (
            "without --concurrent this has no effect: "
            "--concurrent-workers, --concurrent-test-timeout",
        )
        assert not resolved(pytester, "--workers=2", "--no-concurrent").warnings

    def test_says_nothing_about_a_name_that_is_not_ours(self, pytester: pytest.Pytester) -> None:
        pytester.makeini("[pytest]\nconcurrent_timeout = 9\n")
        pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--timeout')")
        settings = resolved(pytester, "--timeout=5")
        assert (settings.run_timeout, settings.warnings) == (9.0, ())

    def test_says_nothing_about_addopts(self, pytester: pytest.Pytester) -> None:
        pytester.makeini("[pytest]\naddopts = --workers=2\n")
        settings = resolved(pytester)
        assert settings.warnings == ()
        assert settings.source("workers") == "--concurrent-workers in addopts"


@pytest.mark.parametrize(
    "flag",
    [
        "--collect-only",
        "--setup-plan",
        "--fixtures",
        "--fixtures-per-test",
        "--markers",
        "--cache-show",
        "--version",
        "--help",
    ],
)
def test_looking_at_the_suite_never_fails(pytester: pytest.Pytester, flag: str) -> None:
    environ = {"DJANGO_TEST_TIMEOUT": "-1"}
    settings = resolved(pytester, "--concurrent", "--workers=abc", flag, environ=environ)
    assert (settings.enabled, settings.workers) == (False, "auto")
    assert settings.sequential_reason == flag
    assert len(settings.warnings) == 2


@pytest.mark.parametrize("flag", ["--pdb", "--trace"])
def test_debugger_works_on_workers(pytester: pytest.Pytester, flag: str) -> None:
    settings = resolved(pytester, "--concurrent", "--workers=4", "--timeout=9", flag)
    assert (settings.enabled, settings.workers, settings.run_timeout) == (True, 4, 9.0)
    assert settings.sequential_reason is None


@pytest.mark.parametrize("flag", ["--pdb", "--trace"])
def test_debugger_without_workers_has_no_limits(pytester: pytest.Pytester, flag: str) -> None:
    settings = resolved(pytester, "--concurrent", "--workers=0", "--timeout=9", flag)
    assert (settings.workers, settings.run_timeout, settings.test_timeout) == (0, None, None)


def test_debugger_alone_changes_nothing(pytester: pytest.Pytester) -> None:
    settings = resolved(pytester, "--pdb")
    assert (settings.enabled, settings.sequential_reason) == (False, None)


def test_zero_workers_run_sequentially(pytester: pytest.Pytester) -> None:
    settings = resolved(pytester, "--concurrent", "--workers=0")
    assert (settings.enabled, settings.workers) == (True, 0)
    assert settings.sequential_reason == "0 workers (--workers on the command line)"


@pytest.mark.parametrize("limit", ["--timeout", "--test-timeout"])
def test_limit_without_workers_is_refused(pytester: pytest.Pytester, limit: str) -> None:
    message = refusal(pytester, "--concurrent", "--workers=0", f"{limit}=5")
    assert f"({limit} on the command line) needs a worker" in message
    assert "drop one of them" in message
    assert not refusals_of_worker_limit(pytester)


def refusals_of_worker_limit(pytester: pytest.Pytester) -> tuple[str, ...]:
    """What is said about a limit that a run without workers may well have."""
    return resolved(pytester, "--concurrent", "--workers=0", "--worker-timeout=5").warnings


@pytest.mark.parametrize(
    ("args", "limits"),
    [
        (("--test-timeout=5", "--worker-timeout=5"), "test 5 s, worker 5 s"),
        (("--test-timeout=9", "--timeout=1.5"), "test 9 s, run 1.5 s"),
        (
            ("--test-timeout=1", "--worker-timeout=8", "--timeout=7"),
            "test 1 s, worker 8 s, run 7 s",
        ),
    ],
)
def test_limits_out_of_order_warn(
    pytester: pytest.Pytester, args: tuple[str, ...], limits: str
) -> None:
    warning = f"limits out of order, expected test < worker < run: {limits}"
    assert resolved(pytester, "--concurrent", *args).warnings == (warning,)


@pytest.mark.parametrize(
    "args",
    [
        ("--test-timeout=1", "--worker-timeout=2", "--timeout=3"),
        ("--timeout=60",),  # below the default of --worker-timeout, which nobody chose
        ("--test-timeout=400",),
    ],
)
def test_limits_in_order_are_silent(pytester: pytest.Pytester, args: tuple[str, ...]) -> None:
    assert resolved(pytester, "--concurrent", *args).warnings == ()


class TestTimingsFile:
    def test_need_not_exist_before_the_first_run(self, pytester: pytest.Pytester) -> None:
        environ = {"TEST_TIMINGS_FILE": "timings.json"}
        settings = resolved(pytester, "--concurrent", environ=environ)
        assert settings.import_timings is None
        assert settings.export_timings == pytester.path / "timings.json"

    def test_is_read_and_written(self, pytester: pytest.Pytester, django: SimpleNamespace) -> None:
        file = pytester.path / "timings.json"
        file.touch()
        django.TEST_TIMINGS_FILE = file
        settings = resolved(pytester)
        assert settings.import_timings == settings.export_timings == file
        assert settings.source("import_timings") == "settings.TEST_TIMINGS_FILE"

    @pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "~nobody-of-this-name/x"])
    def test_that_cannot_exist_is_no_file_to_read(
        self, pytester: pytest.Pytester, name: str
    ) -> None:
        assert resolved(pytester, environ={"TEST_TIMINGS_FILE": name}).import_timings is None

    def test_yields_to_a_named_file(self, pytester: pytest.Pytester) -> None:
        environ = {"TEST_TIMINGS_FILE": "timings.json"}
        message = refusal(pytester, "--import-timings=absent.json", environ=environ)
        assert "there is no such file; expected a file that can be read" in message


def test_ini_path_is_relative_to_the_file(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeini("[pytest]\nconcurrent_events = out/events.jsonl\n")
    below = pytester.mkdir("below")
    monkeypatch.chdir(below)
    assert resolved(pytester).events == pytester.path / "out" / "events.jsonl"
    settings = resolved(pytester, "--concurrent-events=events.jsonl")
    assert settings.events == below / "events.jsonl"


def test_home_folder_is_expanded(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolved(pytester, "--concurrent-events=~/e.jsonl").events == tmp_path / "e.jsonl"


class TestToml:
    def test_strings_are_read(self, pytester: pytest.Pytester) -> None:
        pytester.makepyprojecttoml("[tool.pytest.ini_options]\nconcurrent_workers = 3\n")
        assert resolved(pytester).workers == 3

    @pytest.mark.skipif(pytest.version_tuple < (9, 0), reason="pytest has no [tool.pytest] yet")
    def test_native_values_are_read_or_refused(self, pytester: pytest.Pytester) -> None:
        pytester.makepyprojecttoml("[tool.pytest]\nconcurrent_workers = 3\n")
        if pytest.version_tuple >= (9, 2):
            assert resolved(pytester, "--concurrent").workers == 3
        else:
            assert "write it as a string, in quotes" in refusal(pytester, "--concurrent")
            assert resolved(pytester).workers == "auto"


def test_django_that_is_not_configured_is_left_alone(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Untouchable:
        configured = False

        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"{name} was read, which would configure Django")

    monkeypatch.setitem(sys.modules, "django.conf", SimpleNamespace(settings=Untouchable()))
    assert resolved(pytester) == Settings()


def test_preload_takes_names_of_modules(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nconcurrent_preload =\n    json\n    ./tool.py\n")
    message = refusal(pytester, "--concurrent")
    assert "is not accepted for concurrent_preload" in message
    assert "'./tool.py' is no name of a module; expected names of modules" in message
