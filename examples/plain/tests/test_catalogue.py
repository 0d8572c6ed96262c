import pytest
from sky.catalogue import Catalogue, Star


def test_catalogue_is_the_same_every_time(catalogue: Catalogue) -> None:
    assert catalogue.stars[:500] == Catalogue(size=500).stars


def test_brightest_come_first(catalogue: Catalogue) -> None:
    magnitudes = [star.magnitude for star in catalogue.brightest(50)]
    assert magnitudes == sorted(magnitudes)
    assert magnitudes[-1] < 3


@pytest.mark.parametrize("south", [-90, -60, -30, 0, 30, 60])
def test_band_keeps_its_stars(catalogue: Catalogue, south: float) -> None:
    band = catalogue.between(south, south + 30)
    assert band
    assert all(south <= star.declination < south + 30 for star in band)


def test_bands_cover_the_sky(catalogue: Catalogue) -> None:
    bands = [catalogue.between(south, south + 30) for south in range(-90, 90, 30)]
    assert sum(map(len, bands)) == len(catalogue.stars)


def test_close_pairs_are_close(catalogue: Catalogue) -> None:
    assert catalogue.pairs
    assert all(one.separation(other) <= 0.5 for one, other in catalogue.pairs)


@pytest.mark.parametrize("degrees", [1, 5, 20])
def test_nearest_stars_come_first(catalogue: Catalogue, degrees: float) -> None:
    centre = Star(-1, 120.0, 10.0, 0.0)
    distances = [centre.separation(star) for star in catalogue.near(120.0, 10.0, degrees)]
    assert distances == sorted(distances)
    assert all(distance <= degrees for distance in distances)


@pytest.mark.parametrize(
    ("first", "second", "degrees"),
    [
        ((0, 0), (90, 0), 90),
        ((0, 90), (180, -90), 180),
        ((10, 45), (10, 40), 5),
        ((7, 7), (7, 7), 0),
    ],
)
def test_separation_is_the_angle(
    first: tuple[float, float], second: tuple[float, float], degrees: float
) -> None:
    assert Star(1, *first, 0.0).separation(Star(2, *second, 0.0)) == pytest.approx(
        degrees, abs=1e-5
    )
