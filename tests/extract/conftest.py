"""One extractor for all tests of extraction: starting a child costs a second."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from covidct.harvest.extract import Extractor, Limits

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def extractor() -> Iterator[Extractor]:
    with Extractor(1, Limits(seconds=60)) as running:
        yield running
