"""The checks and the redaction of `pytest_concurrent.security`."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db.utils import ConnectionHandler

import pytest_concurrent
from pytest_concurrent import security
from pytest_concurrent.django import checks
from pytest_concurrent.exceptions import (
    ConfigurationException,
    ResourceException,
    SecurityException,
)

SQLITE = "django.db.backends.sqlite3"


def test_environment_without_databases_is_fine() -> None:
    security.validate_environment()


def test_production_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_ENV", "Production")
    with pytest.raises(SecurityException, match="DJANGO_ENV=production"):
        security.validate_environment()
    with pytest.raises(SecurityException), security.security_context():
        pytest.fail("the block must not begin")


def test_databases_of_django_are_looked_at(tmp_path: Path) -> None:
    script = f"""
import sys, warnings
from django.conf import settings
settings.configure(
    DEBUG=sys.argv[2] == "debug",
    DATABASES={{"default": {{"ENGINE": "{SQLITE}", "NAME": "x", "TEST": {{"NAME": sys.argv[1]}}}}}},
    CONCURRENT_TEST={{"ALLOW_DATABASES": ["staging_ours"]}},
    SECRET_KEY="the-key-of-django",
)
from pytest_concurrent import security
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        security.validate_environment()
        security.validate_database_permissions()
        print("fine")
    except security.SecurityException as error:
        print(error)
print(*(one.message for one in caught))
print(security.sanitize_log_output("a the-key-of-django b"))
"""
    (tmp_path / "check.py").write_text(script)

    def said(name: str, debug: str = "") -> list[str]:
        command = [sys.executable, "check.py", name, debug]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    assert said("prod_shop")[0].startswith("the test database of 'default' looks like production")
    assert said("x")[0].startswith("the test database of 'default' has the name of the real")
    assert said("staging_ours") == ["fine", "", "a *** b"]
    assert "DEBUG = True" in said("test_x", "debug")[1]


def test_there_is_no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", "0", "1"):
        monkeypatch.setenv("NO_TELEMETRY", value)
        assert security.check_telemetry_disabled()


def test_resources_are_those_of_this_machine() -> None:
    found = security.check_system_resources()
    assert set(found) == {
        *("cpu_count", "cpu_percent", "memory_available_gb", "memory_total_gb"),
        *("disk_free_gb", "safe_worker_count"),
    }
    assert 1 <= found["safe_worker_count"] <= found["cpu_count"]
    assert 0 <= found["cpu_percent"] <= 100
    assert 0 < found["memory_available_gb"] <= found["memory_total_gb"]
    assert security.get_safe_worker_count() >= 1


def test_context_gives_resources_or_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with security.security_context() as found:
        assert found["cpu_count"] >= 1
    full = {**found, "disk_free_gb": 0.0}
    monkeypatch.setattr(security, "check_system_resources", lambda: full)
    with pytest.raises(ResourceException, match="is full"), security.security_context():
        pytest.fail("the block must not begin")


@pytest.mark.parametrize(
    ("mode", "message"),
    [(0o600, ""), (0o660, "by its group"), (0o644, ""), (0o464, "by its group")],
)
def test_file_of_the_group_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, message: str
) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(mode)
    with caplog.at_level(logging.WARNING, "pytest_concurrent"):
        security.validate_file_permissions(file)
    assert message in caplog.text
    assert bool(message) == bool(caplog.records)


def test_file_of_everybody_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    security.validate_file_permissions(file)
    file.touch()
    file.chmod(0o602)
    with pytest.raises(SecurityException, match="every user") as caught:
        security.validate_file_permissions(str(file))
    assert caught.value.hint == f"chmod o-w {file}"


def test_link_is_refused_wherever_it_leads(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(SecurityException, match="symbolic link"):
        security.validate_file_permissions(tmp_path / "link")


def test_folder_of_everybody_is_fine_if_sticky(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    security.validate_file_permissions(tmp_path)
    tmp_path.chmod(0o777)
    with pytest.raises(SecurityException):
        security.validate_file_permissions(tmp_path)
    tmp_path.chmod(0o700)


def test_secrets_of_the_environment_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "t0ken-of-the-shop")
    monkeypatch.setenv("SHOP_URL", "redis://:h%40nter22@cache/0")
    text = "t0ken-of-the-shop h%40nter22 password=x caf\u00e9 \ud800"
    assert security.sanitize_log_output(text) == "*** *** password=*** caf\u00e9 ?"


@pytest.mark.parametrize(
    ("text", "name"),
    [("test_shop", "test_shop"), ("Shop-1", "test_shop_1"), ('x"; DROP', "test_x_drop")],
)
def test_database_name_is_made_safe(text: str, name: str) -> None:
    assert security.sanitize_database_name(text) == name
    assert security.sanitize_database_name(name) == name


@pytest.mark.parametrize("text", ["", "///", "a" * 64])
def test_name_of_which_nothing_is_left_is_refused(text: str) -> None:
    with pytest.raises(SecurityException, match="is not between 1 and 63"):
        security.sanitize_database_name(text)


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (security.get_env_bool, "Yes", True),
        (security.get_env_bool, "off", False),
        (security.get_env_int, " -7 ", -7),
        (security.get_env_float, "2.5", 2.5),
        (security.get_env_str, " a b ", "a b"),
    ],
)
def test_variable_is_read(
    monkeypatch: pytest.MonkeyPatch, read: Callable[..., object], text: str, value: object
) -> None:
    monkeypatch.setenv("SHOP_SETTING", text)
    assert read("SHOP_SETTING") == value
    monkeypatch.setenv("SHOP_SETTING", "  ")
    marker = object()
    assert read("SHOP_SETTING", marker) is marker


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (security.get_env_bool, "perhaps", "1, true, yes, on, 0, false, no or off"),
        (security.get_env_int, "1.5", "a whole number"),
        (security.get_env_float, "nan", "a number"),
    ],
)
def test_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, read: Callable[..., object], text: str, expected: str
) -> None:
    monkeypatch.setenv("SHOP_SETTING", text)
    with pytest.raises(ConfigurationException) as caught:
        read("SHOP_SETTING")
    message = f"{text!r} is not accepted (environment variable SHOP_SETTING): expected {expected}"
    assert str(caught.value) == message


def test_what_users_import_first_is_at_the_top() -> None:
    assert {
        name for name in pytest_concurrent.__all__ if not hasattr(pytest_concurrent, name)
    } == set()
    assert pytest_concurrent.SecurityException is SecurityException
    assert not hasattr(pytest_concurrent, "nothing")


def test_import_of_the_package_is_cheap() -> None:
    code = (
        "import sys, pytest_concurrent\n"
        "print([m for m in sys.modules if m.startswith(('pytest_concurrent.', 'pytest'))][1:])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_mirrors_and_memory_are_nobodys_production(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = ConnectionHandler({"default": {"ENGINE": SQLITE, "NAME": ":memory:"}})
    monkeypatch.setattr(checks, "connections", handler)
    assert checks.refusal({"default"}, ()) is None
