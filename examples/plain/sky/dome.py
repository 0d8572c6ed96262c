"""The dome and what drives it. Machinery takes time: these calls sleep."""

import time


class PowerFailure(RuntimeError):
    """Something was moved while the power was off."""


class Power:
    """The supply of the observatory; it takes a moment until the voltage is steady."""

    def __init__(self, warm_up: float = 0.15) -> None:
        self.on = False
        self._warm_up = warm_up

    def switch_on(self) -> None:
        """Switch on and wait until the voltage is steady."""
        time.sleep(self._warm_up)
        self.on = True

    def switch_off(self) -> None:
        """Switch off at once."""
        self.on = False


class Dome:
    """A dome with one slit, turned by a motor at a given speed in degrees per second."""

    def __init__(self, power: Power, speed: float = 900.0) -> None:
        self.azimuth = 0.0
        self.open = False
        self._power = power
        self._speed = speed

    def turn_to(self, azimuth: float) -> float:
        """Turn the short way round; returns the degrees travelled."""
        self._need_power()
        difference = (azimuth - self.azimuth + 180) % 360 - 180
        time.sleep(abs(difference) / self._speed)
        self.azimuth = azimuth % 360
        return abs(difference)

    def open_slit(self) -> None:
        """Open the slit."""
        self._need_power()
        self.open = True

    def close_slit(self) -> None:
        """Close the slit; works by hand too, so it needs no power."""
        self.open = False

    def sees(self, azimuth: float, width: float = 20.0) -> bool:
        """Whether a telescope that looks to `azimuth` looks through the slit."""
        difference = (azimuth - self.azimuth + 180) % 360 - 180
        return self.open and abs(difference) <= width / 2

    def _need_power(self) -> None:
        if not self._power.on:
            raise PowerFailure("the dome has no power; switch it on first")
