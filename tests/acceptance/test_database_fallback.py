"""What a run does where databases cannot be cloned, or not be used at all."""

from __future__ import annotations

import pytest

ON_WORKERS = ("--concurrent", "--workers=2")


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A Django project on SQLite, whose name of the back end is its own."""
    backend = pytester.mkpydir("backend")
    (backend / "base.py").write_text(
        "from django.db.backends.sqlite3.base import *\n"
        "from django.db.backends.sqlite3.base import DatabaseWrapper as Theirs\n"
        "class DatabaseWrapper(Theirs): pass\n"
    )
    pytester.makepyfile(
        settings="""
        SECRET_KEY = "x"
        INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
        DATABASES = {"default": {"ENGINE": "backend", "NAME": "development.sqlite3"}}
        USE_TZ = True
        """
    )
    pytester.makepyfile(
        """
        import pytest
        from django.contrib.auth.models import User

        @pytest.mark.django_db
        @pytest.mark.parametrize("number", range(4))
        def test_database_is_empty(number):
            assert not User.objects.exists()
            User.objects.create(username="ada")
        """
    )
    pytester.makeini("[pytest]\npythonpath = .\nDJANGO_SETTINGS_MODULE = settings\n")
    return pytester


def test_subclass_of_a_back_end_works(project: pytest.Pytester) -> None:
    project.runpytest_subprocess(*ON_WORKERS).assert_outcomes(passed=4)
    assert not (project.path / "development.sqlite3").exists()


def test_back_end_of_its_own_way_is_left_to_django(project: pytest.Pytester) -> None:
    base = project.path / "backend" / "base.py"
    base.write_text(
        base.read_text()
        + "from django.db.backends.sqlite3.creation import DatabaseCreation\n"
        + "class OwnWay(DatabaseCreation):\n"
        + "    def _create_test_db(self, *arguments, **keywords):\n"
        + "        return super()._create_test_db(*arguments, **keywords)\n"
        + "DatabaseWrapper.creation_class = OwnWay\n"
    )
    result = project.runpytest_subprocess(*ON_WORKERS)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*database 'default': Django's own way, once per worker:*"])
    demanded = project.runpytest_subprocess(*ON_WORKERS, "--concurrent-db=clone")
    assert demanded.ret == pytest.ExitCode.USAGE_ERROR
    demanded.stderr.fnmatch_lines(["*--concurrent-db=clone (*): 'default': *"])


def test_thread_before_the_fork_means_spawned_workers(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        import threading
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        """
    )
    result = project.runpytest_subprocess(*ON_WORKERS, "-W", "error::DeprecationWarning")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["concurrent: 2 workers*spawn (threads are alive: *)*"])


def test_production_is_refused_with_the_reason(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_ENV", "production")
    result = project.runpytest_subprocess(*ON_WORKERS)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*sequentially, without workers: DJANGO_ENV=production*"])


def test_router_that_cannot_be_imported_is_no_error_of_ours(project: pytest.Pytester) -> None:
    settings = project.path / "settings.py"
    settings.write_text(settings.read_text() + "DATABASE_ROUTERS = ['routers.Router']\n")
    project.makepyfile(routers="class Router: pass\nraise RuntimeError('not here')\n")
    result = project.runpytest_subprocess(*ON_WORKERS)
    assert "INTERNALERROR" not in result.stdout.str()
    assert result.ret in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.OK}
