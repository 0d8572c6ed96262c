"""The one camera of the observatory."""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """One exposure: seconds that the shutter was open, and photons counted."""

    seconds: float
    photons: int

    @property
    def saturated(self) -> bool:
        """Whether the sensor was full."""
        return self.photons >= Camera.FULL


class Camera:
    """A camera that really waits while its shutter is open."""

    FULL = 65_535

    def expose(self, seconds: float, magnitude: float) -> Frame:
        """Take a picture of a star; each magnitude is a factor of about 2.5 in light."""
        if seconds <= 0:
            raise ValueError(f"an exposure needs more than 0 seconds, not {seconds}")
        time.sleep(seconds)
        light = 40_000_000 * 10 ** (-0.4 * magnitude) * seconds
        return Frame(seconds, min(self.FULL, round(light)))

    def download(self, frame: Frame, cable_speed: float = 300_000.0) -> bytes:
        """Bring a frame to the computer, over a cable with `cable_speed` photons per second."""
        time.sleep(frame.photons / cable_speed)
        return frame.photons.to_bytes(2, "big")
