from collections.abc import Iterator

import pytest
from sky.dome import Dome, Power, PowerFailure


@pytest.fixture(scope="module")
def dome(power: Power) -> Dome:
    return Dome(power)


@pytest.fixture
def parked(dome: Dome) -> Dome:
    """The shared dome, back at north with its slit closed."""
    dome.close_slit()
    dome.turn_to(0)
    return dome


@pytest.fixture(scope="class")
def opened(dome: Dome) -> Iterator[Dome]:
    """Looking east with the slit open, for every test of a class."""
    dome.turn_to(90)
    dome.open_slit()
    yield dome
    dome.close_slit()


@pytest.mark.parametrize(
    ("azimuth", "travelled"), [(0, 0), (45, 45), (90, 90), (180, 180), (270, 90), (350, 10)]
)
def test_dome_turns_the_short_way(parked: Dome, azimuth: float, travelled: float) -> None:
    assert parked.turn_to(azimuth) == pytest.approx(travelled)
    assert parked.azimuth == azimuth


def test_closed_dome_sees_nothing(parked: Dome) -> None:
    assert not parked.sees(0)


def test_dome_without_power_stays(power: Power) -> None:
    with pytest.raises(PowerFailure, match="switch it on"):
        Dome(Power()).turn_to(10)
    assert power.on


class TestOpenDome:
    @pytest.mark.parametrize("azimuth", [80, 85, 90, 95, 100])
    def test_slit_shows_what_is_ahead(self, opened: Dome, azimuth: float) -> None:
        assert opened.sees(azimuth)

    @pytest.mark.parametrize("azimuth", [0, 79, 101, 270])
    def test_slit_hides_what_is_beside(self, opened: Dome, azimuth: float) -> None:
        assert not opened.sees(azimuth)
