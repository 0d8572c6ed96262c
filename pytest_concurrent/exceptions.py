"""What pytest-concurrent raises: each error says what happened, and its hint what to do.

The root is named after the first thing the project ever did, cloning database
templates, and keeps that name because users catch it.
"""

from __future__ import annotations


class DatabaseTemplateException(Exception):  # noqa: N818 - users catch it by this name
    """Root of every error of this package.

    Args:
        message: What happened, and where the value behind it came from.
        hint: What to do about it. Each class has a hint of its own; pass one
            where more is known.
    """

    __test__ = False  # pytest would collect the names that start with Test

    hint: str = "Run again with -v and read the first error of the output."

    def __init__(self, message: str = "", *, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint


class ConcurrentTestException(DatabaseTemplateException):
    """A run on workers could not go on as asked."""

    hint = "Run the same tests with --no-concurrent to see whether they pass sequentially."


class ConfigurationException(ConcurrentTestException):
    """An option, an environment variable or a setting has a value that is not accepted."""

    hint = "Correct the value where the message says that it came from."


class WorkerTimeout(ConcurrentTestException):
    """A worker finished nothing within --worker-timeout seconds, outside of any test."""

    hint = "Raise --worker-timeout, or look in the stacks for the fixture that hangs."


class TestTimeoutException(ConcurrentTestException):
    """A test ran longer than its limit."""

    hint = "Raise --test-timeout, or give the test a limit with @pytest.mark.timeout(seconds)."


class WorkerRetryException(ConcurrentTestException):
    """What a worker needs could not be had, however often that was tried."""

    hint = "Read why the last attempt failed; --concurrent-max-retries allows more."


class SecurityException(ConcurrentTestException):
    """Going on would be unsafe: a path, a name or a target is not certainly ours."""

    hint = "Check that the name in the message is what you meant; nothing was changed."


class PermissionException(ConcurrentTestException):
    """The system or a server does not allow what the run needs."""

    hint = "Give the user that runs the tests the permission that the message names."


class ResourceException(ConcurrentTestException):
    """The machine has too little of something: memory, descriptors, processes, disk."""

    hint = "Use fewer workers (--workers N), or raise the limit that the message names."


class ForkUnsafeException(ConcurrentTestException):
    """Workers cannot be forked from this process without risk."""

    hint = "--concurrent-start=fork forks all the same."


class WorkerInternalException(ConcurrentTestException):
    """pytest or a plugin failed inside a worker; the message is the traceback from there."""

    hint = "Run the same tests with --no-concurrent: if the error is there too, it is the plugin's."


class UnsupportedDatabase(DatabaseTemplateException):
    """A database that cannot be cloned: its back end, or something in it, is not known to us."""

    hint = "--concurrent-db=auto lets Django set such databases up by itself, once per worker."


class DatabaseCloneException(DatabaseTemplateException):
    """A template could not be built, or a clone not be made."""

    hint = (
        "Look whether the server still runs and has room; --concurrent-db-rebuild builds the "
        "template anew."
    )


class DatabaseRetryException(DatabaseCloneException, WorkerRetryException):
    """A worker's database could not be cloned or restored, however often that was tried."""

    hint = "Look whether the server runs and is reached, and who else is connected to it."
