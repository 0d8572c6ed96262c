"""What the marks of a test ask for, and what is refused."""

from __future__ import annotations

import timeit

import pytest

from pytest_concurrent.marks import MarkFacts, MarkReader, facts, register_marks

# The short marks are known only where the ini file asks for them.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnknownMarkWarning")

MARKS = frozenset(
    {"concurrent_serial", "concurrent_resource", "concurrent_group", "xdist_group", "timeout"}
)
SHORT_MARKS = MARKS | {"serial", "resource"}


def read(
    pytester: pytest.Pytester, decorators: str, *, ours: frozenset[str] = MARKS, above: str = ""
) -> MarkFacts:
    """The facts of one test of a class with these marks, in a module with those `above`."""
    marked = f"class TestMarked:\n    {decorators}\n    def test_it(self): pass\n"
    item = pytester.getitem(f"import pytest\n{above}\n{marked}", "test_it")
    return MarkReader(ours).facts(item)


def refusal(pytester: pytest.Pytester, decorators: str) -> str:
    """Why a test with these marks ends the run."""
    with pytest.raises(pytest.UsageError) as caught:
        read(pytester, decorators, ours=SHORT_MARKS)
    return str(caught.value)


def test_unmarked_test_asks_for_nothing(pytester: pytest.Pytester) -> None:
    assert read(pytester, "") == MarkFacts(False, (), None, None)
    assert read(pytester, "@pytest.mark.parametrize('x', [])\n    @pytest.mark.slow") == MarkFacts()


def test_serial_test_runs_alone(pytester: pytest.Pytester) -> None:
    assert read(pytester, "@pytest.mark.concurrent_serial") == MarkFacts(serial=True)


@pytest.mark.parametrize(
    ("mark", "resources"),
    [
        ("('redis')", (("redis", 1),)),
        ("('port', 2)", (("port", 2),)),
        ("('port', slots=2)", (("port", 2),)),
        ("(name='port', slots=2)", (("port", 2),)),
    ],
)
def test_resource_has_name_and_slots(
    pytester: pytest.Pytester, mark: str, resources: tuple[tuple[str, int], ...]
) -> None:
    found = read(pytester, f"@pytest.mark.concurrent_resource{mark}")
    assert found == MarkFacts(resources=resources)


def test_resources_of_every_level_count(pytester: pytest.Pytester) -> None:
    found = read(
        pytester,
        "@pytest.mark.concurrent_resource('b')\n    @pytest.mark.concurrent_resource('a', slots=3)",
        above="pytestmark = [pytest.mark.concurrent_resource('c')]",
    )
    assert found.resources == (("a", 3), ("b", 1), ("c", 1))


def test_short_marks_mean_the_same(pytester: pytest.Pytester) -> None:
    decorators = "@pytest.mark.serial\n    @pytest.mark.resource('redis')"
    assert read(pytester, decorators) == MarkFacts()
    found = read(pytester, decorators, ours=SHORT_MARKS)
    assert found == MarkFacts(serial=True, resources=(("redis", 1),))


@pytest.mark.parametrize("mark", ["('a')", "(name='a')"])
@pytest.mark.parametrize("name", ["concurrent_group", "xdist_group"])
def test_group_has_a_name(pytester: pytest.Pytester, name: str, mark: str) -> None:
    assert read(pytester, f"@pytest.mark.{name}{mark}").group == "a"


@pytest.mark.parametrize(
    ("decorators", "group"),
    [
        ("@pytest.mark.xdist_group('b')", "a_b"),
        ("@pytest.mark.xdist_group('a')", "a"),
        ("@pytest.mark.xdist_group", "a_default"),
        ("@pytest.mark.xdist_group(1)", "1_a"),
        ("@pytest.mark.concurrent_group('mine')", "mine"),
    ],
)
def test_groups_join_as_under_xdist(pytester: pytest.Pytester, decorators: str, group: str) -> None:
    above = "pytestmark = pytest.mark.xdist_group('a')"
    assert read(pytester, decorators, above=above).group == group


@pytest.mark.parametrize(
    ("decorators", "group"), [("", "module"), ("@pytest.mark.concurrent_group('test')", "test")]
)
def test_closest_group_wins(pytester: pytest.Pytester, decorators: str, group: str) -> None:
    above = "pytestmark = pytest.mark.concurrent_group('module')"
    assert read(pytester, decorators, above=above).group == group


@pytest.mark.parametrize("mark", ["(2.5)", "(timeout=2.5)", "(2.5, method='thread')"])
def test_timeout_is_a_limit(pytester: pytest.Pytester, mark: str) -> None:
    assert read(pytester, f"@pytest.mark.timeout{mark}").limit == 2.5


@pytest.mark.parametrize(("decorators", "limit"), [("", 9.0), ("@pytest.mark.timeout(1)", 1.0)])
def test_closest_timeout_wins(pytester: pytest.Pytester, decorators: str, limit: float) -> None:
    above = "pytestmark = pytest.mark.timeout(9)"
    assert read(pytester, decorators, above=above).limit == limit


def test_timeout_of_pytest_timeout_is_left_alone(pytester: pytest.Pytester) -> None:
    assert read(pytester, "@pytest.mark.timeout(0)", ours=MARKS - {"timeout"}) == MarkFacts()


@pytest.mark.parametrize(
    ("mark", "accepts"),
    [
        ("concurrent_serial(True)", "expected no arguments"),
        ("serial(reason='x')", "expected no arguments"),
        *(
            (f"{name}({arguments})", "expected a name, and a number of slots from 1 to 1024")
            for name in ("concurrent_resource", "resource")
            for arguments in (
                "",
                "''",
                "1",
                "'a', 0",
                "'a', slots=1025",
                "'a', slots='2'",
                "'a', slots=True",
                "'a', 1, 2",
                "'a', name='b'",
                "'a', size=2",
            )
        ),
        *(
            (f"concurrent_group({arguments})", "expected one name, a text")
            for arguments in ("", "1", "'a', 'b'", "'a', name='b'", "group='a'")
        ),
        *(
            (f"timeout({arguments})", "expected a number of seconds from 0.001 to 1000000000")
            for arguments in (
                "",
                "0",
                "-1",
                "'5'",
                "True",
                "float('nan')",
                "float('inf')",
                "5, x=1",
            )
        ),
    ],
)
def test_wrong_arguments_are_named(pytester: pytest.Pytester, mark: str, accepts: str) -> None:
    message = refusal(pytester, f"@pytest.mark.{mark}")
    assert message.startswith("test_wrong_arguments_are_named.py::TestMarked::test_it: @pytest")
    assert f"@pytest.mark.{mark.partition('(')[0]}(" in message
    assert accepts in message


def test_slots_of_a_resource_agree_everywhere(pytester: pytest.Pytester) -> None:
    items = pytester.getitems(
        """
        import pytest

        @pytest.mark.concurrent_resource("port", slots=2)
        def test_first(): pass

        @pytest.mark.concurrent_resource("port")
        def test_second(): pass
        """
    )
    reader = MarkReader(MARKS)
    reader.facts(items[0])
    with pytest.raises(pytest.UsageError, match=r"'port' has 2 slots at .*first and 1 at .*second"):
        reader.facts(items[1])


def test_slots_of_one_test_agree(pytester: pytest.Pytester) -> None:
    above = "pytestmark = pytest.mark.concurrent_resource('port', slots=2)"
    with pytest.raises(pytest.UsageError, match="give the same number everywhere"):
        read(pytester, "@pytest.mark.concurrent_resource('port')", above=above)


def test_registered_marks_are_read(pytester: pytest.Pytester) -> None:
    item = pytester.getitem("import pytest\n@pytest.mark.serial\ndef test_it(): pass", "test_it")
    assert facts(item) == MarkFacts()
    register_marks(item.config, short_marks=True)
    assert facts(item) == MarkFacts(serial=True)


def test_marks_are_registered_once(pytester: pytest.Pytester) -> None:
    config = pytester.parseconfig("-p", "no:timeout")
    config.addinivalue_line("markers", "timeout(minutes): of the project itself")
    for _ in range(2):
        register_marks(config, short_marks=True)
    names = [line.partition(":")[0].partition("(")[0] for line in config.getini("markers")]
    assert {name: names.count(name) for name in SHORT_MARKS} == dict.fromkeys(SHORT_MARKS, 1)


def test_unmarked_tests_cost_next_to_nothing(pytester: pytest.Pytester) -> None:
    items = pytester.getitems("import pytest\nclass TestA:\n    def test_a(self): pass")
    reader = MarkReader(MARKS)
    rounds = 2_000
    seconds = min(timeit.repeat(lambda: reader.facts(items[0]), number=rounds, repeat=5)) / rounds
    assert seconds < 20e-6  # about 0.4e-6 on a quiet machine
