"""A catalogue of invented stars, the same every time."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Star:
    """One star: its number, place on the sky in degrees, and magnitude (smaller is brighter)."""

    number: int
    right_ascension: float
    declination: float
    magnitude: float

    def separation(self, other: "Star") -> float:
        """The angle between two stars, in degrees."""
        a, b = math.radians(self.declination), math.radians(other.declination)
        turn = math.radians(self.right_ascension - other.right_ascension)
        cosine = math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(turn)
        return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


class Catalogue:
    """Stars, with the pairs that stand close together found once, at the start."""

    def __init__(self, size: int, seed: int = 1781) -> None:
        chance = random.Random(seed)
        self.stars = [_star(number, chance) for number in range(size)]
        self.pairs = list(self._close_pairs(degrees=0.5))

    def brightest(self, count: int) -> list[Star]:
        """The brightest stars, brightest first."""
        return sorted(self.stars, key=lambda star: star.magnitude)[:count]

    def between(self, south: float, north: float) -> list[Star]:
        """The stars of one band of declination, in degrees."""
        return [star for star in self.stars if south <= star.declination < north]

    def near(self, right_ascension: float, declination: float, degrees: float) -> list[Star]:
        """The stars around a point of the sky, nearest first."""
        centre = Star(-1, right_ascension, declination, 0.0)
        found = [star for star in self.stars if centre.separation(star) <= degrees]
        return sorted(found, key=centre.separation)

    def _close_pairs(self, degrees: float) -> Iterator[tuple[Star, Star]]:
        by_declination = sorted(self.stars, key=lambda star: star.declination)
        for index, star in enumerate(by_declination):
            for other in by_declination[index + 1 :]:
                if other.declination - star.declination > degrees:
                    break
                if star.separation(other) <= degrees:
                    yield star, other


def _star(number: int, chance: random.Random) -> Star:
    declination = math.degrees(math.asin(chance.uniform(-1, 1)))
    magnitude = chance.triangular(-1.4, 12.0, 11.0)
    return Star(number, chance.uniform(0, 360), declination, magnitude)
