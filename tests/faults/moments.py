"""A worker dies in every way at every moment of its life."""

from __future__ import annotations

from typing import Any

from .fault import Fault
from .ways import DYING, WAYS, told

#: None may be lost for want of replacements.
_ENOUGH = "--concurrent-max-worker-restarts=100"


def _in_a_test(name: str, suite: str, moment: str, conftest: str = "", **more: Any) -> Fault:
    """One test dies in each way; those around it do not notice."""
    return Fault(
        name=name,
        suite=DYING + suite,
        conftest=conftest,
        expected={f"test_dies[{way}]": "crashed" for way in WAYS},
        texts=(*told(moment), *more.pop("texts", ())),
        options=(_ENOUGH,),
        workers=(1, 2, 8),
        **more,
    )


_DIES_AT_ITS_END = """
@pytest.fixture(scope="module", autouse=True)
def deadly():
    yield
    die("{way}")
@pytest.mark.parametrize("way", ["{way}"])
def test_dies(way): pass
"""

_IN_TESTS = (
    _in_a_test(
        "dies_in_call",
        """
@pytest.mark.parametrize("way", WAYS)
def test_dies(way):
    print("said by the victim of", way)
    die(way)
""",
        "during call",
        texts=tuple(f"said by the victim of {way}" for way in WAYS),
        spawned=(1, 2, 8),
    ),
    _in_a_test(
        "dies_in_set_up",
        """
@pytest.fixture
def deadly(way): die(way)
@pytest.mark.parametrize("way", WAYS)
def test_dies(deadly, way): pass
""",
        "during setup",
    ),
    _in_a_test(
        "dies_in_teardown",
        """
@pytest.fixture
def deadly(way):
    yield
    die(way)
@pytest.mark.parametrize("way", WAYS)
def test_dies(deadly, way): pass
""",
        "during teardown",
    ),
    _in_a_test(
        "dies_in_module_set_up",
        """
@pytest.fixture(scope="module")
def deadly(request): die(request.param)
@pytest.mark.parametrize("deadly", WAYS, indirect=True)
def test_dies(deadly): pass
""",
        "during set-up of module fixture 'deadly'",
    ),
    _in_a_test(
        "dies_in_module_teardown",
        "",
        "during teardown of module fixture 'deadly'",
        modules={f"test_{way}": DYING + _DIES_AT_ITS_END.format(way=way) for way in WAYS},
    ),
    _in_a_test(
        "dies_while_it_makes_a_report",
        """
@pytest.mark.parametrize("way", WAYS)
def test_dies(way): pass
""",
        "during call",
        conftest=DYING
        + """
def pytest_runtest_makereport(item, call):
    if call.when == "call" and item.name.startswith("test_dies"):
        die(item.callspec.params["way"])
""",
    ),
)


#: All workers are there and each runs one of these tests, which say how theirs is to die later.
_EACH_ON_ITS_OWN = """
@pytest.mark.parametrize("way", WAYS)
def test_meets(way, chosen):
    chosen.append(way)
    (HERE / f"here_{way}").touch()
    until = time.monotonic() + 60
    while len(list(HERE.glob("here_*"))) < len(WAYS) and time.monotonic() < until:
        time.sleep(0.01)
"""

_ALL = (len(WAYS),)

_OUTSIDE_OF_TESTS = (
    Fault(
        name="dies_at_worker_start",
        suite="""
            @pytest.mark.parametrize("number", range(6))
            def test_one(number): pass
        """,
        conftest=DYING
        + """
def pytest_concurrent_worker_start(config, worker):
    try:
        (HERE / f"died_{worker}").touch(exist_ok=False)
    except FileExistsError:
        return
    die(list(WAYS)[int(worker[2:])])
""",
        expected={f"test_one[{number}]": "passed" for number in range(6)},
        options=(_ENOUGH,),
        errors=len(WAYS),
        texts=tuple(
            rf"worker gw{slot} died \({words}\) before its first test"
            for slot, words in enumerate(WAYS.values())
        ),
        workers=_ALL,
        spawned=_ALL,
    ),
    Fault(
        name="dies_in_session_teardown_in_every_way",
        suite=DYING + _EACH_ON_ITS_OWN,
        conftest=DYING
        + """
@pytest.fixture(scope="session")
def chosen():
    ways = []
    yield ways
    die(ways[0])
""",
        expected={f"test_meets[{way}]": "passed|crashed" for way in WAYS},
        options=(_ENOUGH,),
        errors=None,
        texts=tuple(rf"died \({words}\)" for words in set(WAYS.values())),
        workers=_ALL,
        spawned=_ALL,
    ),
    Fault(
        name="dies_at_exit_in_every_way",
        suite=DYING
        + """
@pytest.fixture
def chosen():
    ways = []
    yield ways
    atexit.register(die, ways[0])
"""
        + _EACH_ON_ITS_OWN,
        expected={f"test_meets[{way}]": "passed" for way in WAYS},
        options=(_ENOUGH,),
        # A worker that has said goodbye may end with status 0 as it likes.
        errors=len(WAYS) - 1,
        texts=tuple(
            rf"died \({words}\) while it tore down and left"
            for words in set(WAYS.values()) - {WAYS["exit_0"]}
        ),
        workers=_ALL,
        spawned=_ALL,
    ),
    Fault(
        name="dies_at_rest_in_every_way",
        suite=DYING
        + """
@pytest.fixture
def chosen():
    ways = []
    yield ways
    threading.Thread(target=die_when_others_run, args=ways, daemon=True).start()
def die_when_others_run(way):
    while not (HERE / "alone").exists(): time.sleep(0.01)
    if (HERE / "alone").read_text() != str(os.getpid()): die(way)
"""
        + _EACH_ON_ITS_OWN
        + """
@pytest.mark.concurrent_serial
@pytest.mark.parametrize("number", range(2))
def test_alone(number):
    (HERE / "new").write_text(str(os.getpid()))
    (HERE / "new").rename(HERE / "alone")
    time.sleep(1)
""",
        expected={
            **{f"test_meets[{way}]": "passed" for way in WAYS},
            "test_alone[0]": "passed|crashed",
            "test_alone[1]": "passed|crashed",
        },
        options=(_ENOUGH,),
        others="passed|crashed",
        errors=None,
        texts=(r"worker gw\d died \(\w.*\) between tests",),
        workers=_ALL,
        spawned=_ALL,
    ),
)

MOMENTS: tuple[Fault, ...] = (*_IN_TESTS, *_OUTSIDE_OF_TESTS)
