import pytest
from sky.camera import Camera, Frame

camera_wanted = pytest.mark.concurrent_resource("camera")
cable_wanted = pytest.mark.concurrent_resource("cable", slots=2)


@pytest.fixture
def camera() -> Camera:
    return Camera()


@camera_wanted
@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.2, 0.4])
def test_longer_exposure_counts_more(camera: Camera, seconds: float) -> None:
    assert camera.expose(seconds, magnitude=9).photons == pytest.approx(10_048 * seconds, abs=1)


@camera_wanted
def test_bright_star_fills_the_sensor(camera: Camera) -> None:
    assert camera.expose(0.1, magnitude=0).saturated


@camera_wanted
def test_faint_star_leaves_room(camera: Camera) -> None:
    assert not camera.expose(0.3, magnitude=8).saturated


@cable_wanted
@pytest.mark.parametrize("photons", [0, 1, 30_000, 65_535])
def test_download_keeps_the_count(camera: Camera, photons: int) -> None:
    assert int.from_bytes(camera.download(Frame(1.0, photons)), "big") == photons


@pytest.mark.parametrize("seconds", [0, -1])
def test_exposure_needs_time(camera: Camera, seconds: float) -> None:
    with pytest.raises(ValueError, match="more than 0 seconds"):
        camera.expose(seconds, magnitude=5)
