"""What holds for every test: whoever sets up logging, as a command does, sets it up for itself."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("gatepost")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    left = [each for each in root.handlers if each not in handlers]
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    for each in left:
        if type(each) is logging.StreamHandler:  # not pytest's own, which come and go
            each.close()
