import io
import json
import logging
from collections.abc import Iterator

import pytest

from gatepost.logs import plain, set_up


@pytest.fixture
def restored() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("gatepost")
    before = (root.handlers[:], root.level, own.level)
    yield
    root.handlers[:], root.level, own.level = before[0], before[1], before[2]


def line(form: str, **fields: object) -> str:
    stream = io.StringIO()
    set_up(form, "info", stream)
    log = logging.getLogger("gatepost.test")
    log.debug("not this")
    log.info("scan recorded", extra={"fields": fields})
    return stream.getvalue()


@pytest.mark.usefixtures("restored")
def test_one_line_an_event_whatever_the_values() -> None:
    text = line("text", reader="a\nb\x1b[2J\u202ec", sequence=7)
    assert text.count("\n") == 1
    assert text.endswith("info scan recorded reader=a\\u000ab\\u001b[2J\\u202ec sequence=7\n")


@pytest.mark.usefixtures("restored")
def test_json_for_machines() -> None:
    told = json.loads(line("json", reader="door", sequence=7, after_ms=1.5))
    assert told["message"] == "scan recorded"
    assert (told["part"], told["level"]) == ("test", "info")
    assert (told["reader"], told["sequence"], told["after_ms"]) == ("door", 7, 1.5)


def test_long_values_are_cut() -> None:
    assert len(plain("x" * 10_000)) == 300
