"""Where the planets are, after Kepler."""

import math
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Orbit:
    """An ellipse around the Sun: half its long axis in astronomical units, and its eccentricity."""

    axis: float
    eccentricity: float

    @property
    def period(self) -> float:
        """Years for one revolution (Kepler's third law)."""
        return math.sqrt(self.axis**3)

    def anomaly(self, years: float) -> float:
        """The eccentric anomaly in radians, `years` after the planet was nearest to the Sun."""
        mean = 2 * math.pi * (years / self.period % 1.0)
        guess = mean if self.eccentricity < 0.8 else math.pi
        for _ in range(50):
            error = guess - self.eccentricity * math.sin(guess) - mean
            guess -= error / (1 - self.eccentricity * math.cos(guess))
            if abs(error) < 1e-13:
                break
        return guess

    def distance(self, years: float) -> float:
        """Astronomical units between planet and Sun."""
        return self.axis * (1 - self.eccentricity * math.cos(self.anomaly(years)))

    def position(self, years: float) -> tuple[float, float]:
        """Coordinates in the plane of the orbit, in astronomical units; the Sun is the origin."""
        anomaly = self.anomaly(years)
        short = self.axis * math.sqrt(1 - self.eccentricity**2)
        return self.axis * (math.cos(anomaly) - self.eccentricity), short * math.sin(anomaly)

    def swept_area(self, start: float, end: float, steps: int) -> float:
        """Area that the line from Sun to planet sweeps, in square astronomical units."""
        width = (end - start) / steps
        points = [self.position(start + i * width) for i in range(steps + 1)]
        return sum(abs(x1 * y2 - x2 * y1) / 2 for (x1, y1), (x2, y2) in pairwise(points))


PLANETS = {
    "mercury": Orbit(0.387098, 0.205630),
    "venus": Orbit(0.723332, 0.006772),
    "earth": Orbit(1.000000, 0.016709),
    "mars": Orbit(1.523679, 0.093400),
    "jupiter": Orbit(5.204400, 0.048900),
    "saturn": Orbit(9.582600, 0.056500),
    "uranus": Orbit(19.21840, 0.046381),
    "neptune": Orbit(30.11000, 0.009456),
}
