"""How plugins that people use are treated, one sentence each: what the doctor says of them."""

from __future__ import annotations

from collections.abc import Mapping

_AS_IT_IS = "runs in each worker as it is"
_REPORTS = "hears every report in the controller, and writes its file there"

#: By the name of the distribution, in the form in which the index lists it.
TREATMENTS: Mapping[str, str] = {
    "allure-pytest": "each worker writes the results of its own tests, in a lane of its own",
    "anyio": _AS_IT_IS,
    "hypothesis": _AS_IT_IS,
    "pytest-asyncio": _AS_IT_IS,
    "pytest-bdd": "runs in each worker; what it knows of scenarios travels with the reports",
    "pytest-benchmark": "tests that measure run last and alone; one table holds all of them",
    "pytest-cov": "each worker saves what it measured; all parts are combined at the end",
    "pytest-django": "each worker gets a clone of each test database",
    "pytest-html": _REPORTS,
    "pytest-httpserver": _AS_IT_IS,
    "pytest-json-report": _REPORTS,
    "pytest-mock": _AS_IT_IS,
    "pytest-order": "its order is that in which tests start",
    "pytest-postgresql": _AS_IT_IS,
    "pytest-pretty": "writes its progress in the controller",
    "pytest-randomly": "its order is kept, and each test has the numbers of its seed",
    "pytest-repeat": _AS_IT_IS,
    "pytest-rerunfailures": "reruns a test on its worker, and one that crashed on another",
    "pytest-socket": "blocks sockets in each worker; ours are open before",
    "pytest-split": "keeps its part of the suite, which then runs on workers",
    "pytest-subtests": _AS_IT_IS,
    "pytest-sugar": "writes its progress in the controller",
    "pytest-timeout": "its limits hold; a test that does not hear of one is ended alone",
    "syrupy": "unused is what no worker has used; after a crash nothing is called unused",
    "pytest-xdist": "may stay installed; give either --concurrent or its -n and --dist",
}


def treatment(distribution: str) -> str | None:
    """How a distribution's plugin is treated; None = as one that we do not know.

    Args:
        distribution: Its name, in any spelling that the index accepts.
    """
    return TREATMENTS.get(distribution.lower().replace("_", "-").replace(".", "-"))
