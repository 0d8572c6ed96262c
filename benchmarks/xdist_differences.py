"""Why cases of pytest-xdist's acceptance suite are meant to differ, by patterns of names."""

from __future__ import annotations

_TEXT = (
    "looks for xdist's own lines about workers and scheduling; ours are others, and the rest holds"
)
_CRASH = "looks for xdist's words about a crash; ours name the signal or the exit status instead"
_LIKE_PYTEST = "wants xdist's exit code; ours is that of a sequential run: "
_EACH = "`--dist=each` runs every test on every worker; here a test runs once"
_WHO = (
    "wants each worker to have a part; a worker that is ready first takes what there is (by chance)"
)
_IDS = "wants an error because workers collected different tests; here "
_FORK = "a `FileLock` made at import belongs to the controller, and filelock refuses it in a fork"

#: However workers start.
DIFFERENCES: dict[str, str] = {
    "TestDistribution::test_n1_import_error": _LIKE_PYTEST + "2, interrupted while collecting",
    "TestDistribution::test_manytests_to_one_popen": _TEXT,
    "TestDistribution::test_exitfirst_waits_for_workers_to_finish": _LIKE_PYTEST + "1 after `-x`",
    "TestDistribution::test_dist_ini_specified": _TEXT,
    "TestDistribution::test_dist_tests_with_crash": _CRASH,
    "TestDistribution::test_distribution_rsyncdirs_example": "copies files to a folder of a "
    "worker; workers here have none",
    "TestDistribution::test_keyboardinterrupt_hooks_issue79": "looks for `Interrupted`; the last "
    "lines say `KeyboardInterrupt`, as those of a sequential run do",
    "TestDistEach::*": _EACH,
    "TestTerminalReporting::test_output_verbosity*": _TEXT,
    "test_crashing_item*": _CRASH,
    "TestNodeFailure::test_each*": _EACH,
    "TestNodeFailure::test_max_worker_restart_die": "the process dies while it collects, "
    "which here is the controller, as in a sequential run",
    "TestNodeFailure::*": _CRASH,
    "test_color_yes_collection_on_non_atty": _TEXT,
    "TestLoadScope::test_workqueue_ordered_by_size": "wants xdist's order of scopes; ours comes "
    "from measured times",
    "Test*Scope::test_module_single_start": _WHO,
    "test_worker_id_fixture[[]2]": _WHO,
    "TestGroupScope::test_multiple_group_*": "wants the group in the node id; ours stays as "
    "it is, so that timings and `--lf` know it",
    "test_collection_crash": _LIKE_PYTEST + "2, interrupted while collecting",
}

#: Where workers start in one way, by that.
ON_ONE: dict[str, dict[str, str]] = {
    "fork": {
        "TestDistribution::test_data_exchange": "wants `pytest_configure` once per worker; a fork "
        "inherits what it did, see the table of hooks",
        "test_issue_594_random_parametrize": _IDS + "there is one collection, and all tests pass",
        "TestLocking::*": _FORK,
    },
    "spawn": {
        "TestDistribution::test_data_exchange": _TEXT,
        "test_issue_594_random_parametrize": _IDS + "each is run where it exists, and all pass",
        "TestLoadScope::test_workqueue_ordered_by_input": _WHO,
        "TestLocking::*[[]each]": _EACH,
    },
}

#: They differ in some runs and not in others.
BY_CHANCE = frozenset(
    {
        "TestLoadScope::test_workqueue_ordered_by_input",
        "TestLoadScope::test_module_single_start",
        "TestFileScope::test_module_single_start",
        "TestGroupScope::test_module_single_start",
        "test_worker_id_fixture[2]",
    }
)
