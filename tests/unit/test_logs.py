import io
import json
import logging
from collections.abc import Iterator

import pytest

from gatepost.errors import SpoolFull
from gatepost.logs import keep_last, plain, set_up


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


@pytest.mark.usefixtures("restored")
def test_a_value_of_several_words_is_quoted() -> None:
    text = line("text", why='not "now"', at="a=b", name="Đỗ", path="/x", nothing="")
    told = r"""why="not \"now\"" at="a=b" name=Đỗ path=/x nothing="""
    assert text.endswith(f"scan recorded {told}\n")


@pytest.mark.usefixtures("restored")
def test_a_quoted_value_gives_back_what_is_shown_without_quotes() -> None:
    shown = line("text", why="a \n b").partition("why=")[2]
    assert json.loads(shown) == plain("a \n b") == r"a \u000a b"


def test_long_values_are_cut() -> None:
    assert len(plain("x" * 10_000)) == 300


@pytest.mark.usefixtures("restored")
def test_the_last_lines_are_ours_and_as_they_were_logged() -> None:
    stream, kept = io.StringIO(), list[str]()
    set_up("text", "info", stream)
    keep_last(kept.append)
    logging.getLogger("paho").error("001099012345|NGUYEN VAN A")
    logging.getLogger("gatepost.test").debug("not this")
    logging.getLogger("gatepost.test").info("starting", extra={"fields": {"station": "gp-1"}})
    (line,) = kept
    assert line.endswith("info starting station=gp-1")
    assert f"{line}\n" in stream.getvalue()


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("form", ["text", "json"])
def test_of_an_error_that_is_not_ours_only_the_place_is_logged(form: str) -> None:
    stream = io.StringIO()
    set_up(form, "info", stream)
    try:
        int("001099012345|NGUYEN VAN A")
    except ValueError:
        logging.getLogger("gatepost.test").exception("it failed")
    assert "ValueError at test_logs.py:" in stream.getvalue()
    assert "001099012345" not in stream.getvalue()


@pytest.mark.usefixtures("restored")
def test_what_we_raised_ourselves_is_logged_in_its_words() -> None:
    stream = io.StringIO()
    set_up("text", "info", stream)
    logging.getLogger("gatepost.test").error("refused", exc_info=SpoolFull("no room"))
    assert 'error="SpoolFull: no room"' in stream.getvalue()
