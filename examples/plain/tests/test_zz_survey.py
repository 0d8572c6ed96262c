import pytest
from sky.catalogue import Catalogue
from sky.orbits import PLANETS


@pytest.mark.parametrize("right_ascension", range(0, 360, 60))
def test_strip_of_the_survey_is_complete(catalogue: Catalogue, right_ascension: int) -> None:
    found: set[int] = set()
    for declination in range(-90, 91, 30):
        for turn in range(0, 60, 20):
            near = catalogue.near(right_ascension + turn, declination, 30)
            found.update(star.number for star in near)
    strip = [
        s for s in catalogue.stars if right_ascension <= s.right_ascension < right_ascension + 50
    ]
    assert found.issuperset(star.number for star in strip)


def test_century_of_planets_stays_on_course() -> None:
    """The longest test of the suite, and the last one collected."""
    for orbit in PLANETS.values():
        nearest = orbit.axis * (1 - orbit.eccentricity)
        farthest = orbit.axis * (1 + orbit.eccentricity)
        for step in range(36_525 * 6):
            years = step / 6 / 365.25
            assert nearest * 0.999999 <= orbit.distance(years) <= farthest * 1.000001
