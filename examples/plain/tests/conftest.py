import pytest
from sky.catalogue import Catalogue


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """Slow to build and never changed: one for the whole session."""
    return Catalogue(size=8000)
