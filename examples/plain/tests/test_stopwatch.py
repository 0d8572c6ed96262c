"""Measurements that a busy neighbour would spoil, so nothing else runs meanwhile."""

import time

import pytest
from sky.camera import Camera
from sky.dome import Dome, Power

pytestmark = pytest.mark.concurrent_serial


def test_shutter_keeps_time() -> None:
    started = time.perf_counter()
    Camera().expose(0.2, magnitude=5)
    assert 0.2 <= time.perf_counter() - started < 0.4


def test_dome_keeps_its_speed() -> None:
    power = Power(warm_up=0)
    power.switch_on()
    started = time.perf_counter()
    Dome(power, speed=900).turn_to(180)
    assert 0.2 <= time.perf_counter() - started < 0.4
