from collections.abc import Iterator

import pytest
from sky.dome import Power


@pytest.fixture(scope="package")
def power() -> Iterator[Power]:
    """The supply that everything in this folder hangs on."""
    supply = Power()
    supply.switch_on()
    yield supply
    supply.switch_off()
