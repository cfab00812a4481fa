"""The demo's table, and how the demo ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brokers import needs_mosquitto
from gatepost.cli import main
from gatepost.demo.clips import ClipTruth, VisitorTruth
from gatepost.demo.daemon import Daemon
from gatepost.demo.show import Options, demo
from gatepost.demo.tally import (
    Arrival,
    Outcome,
    Tally,
    as_json,
    as_table,
    percentile,
    summary,
    tally,
)
from gatepost.demo.visitors import OUT, make_visitors
from gatepost.errors import GatepostError, UsageError
from gatepost.model import Reason

VISITORS = make_visitors(3, 1)
# Each is there for 50 frames of 10 a second, readable from the tenth on; the film began at 100 s.
TRUTH = ClipTruth(
    10.0,
    300,
    (1280, 720),
    tuple(VisitorTruth(who, n * 100, n * 100 + 50, n * 100 + 10) for n, who in enumerate(VISITORS)),
)
ARRIVALS = [
    Arrival(
        sequence=number + 2,
        text=who.text,
        taken_s=100 + number * 10 + 1.2,
        verdict=who.expected_verdict,
        direction=who.expected_direction,
        copies=1,
        reason=who.expected_reason,
    )
    for number, who in enumerate(VISITORS)
]


def lit(taken_s: float, after_ms: float, cue: str = "accepted") -> dict[str, Any]:
    return {"message": "lit", "taken_s": taken_s, "after_ms": after_ms, "cue": cue}


LOG = [
    {"message": "ready"},
    {"message": "replay started", "boot_s": 100.0},
    lit(101.2, 3.0, "pending"),
    lit(101.2, 15.5),
    lit(111.2004, 10.0),
]


def told(arrivals: list[Arrival], log: list[dict[str, Any]] | None = None, **more: bool) -> Tally:
    return tally(TRUTH, arrivals, log or LOG, **({"proved": True, "stopped_cleanly": True} | more))


def test_everybody_is_there() -> None:
    result = told(ARRIVALS)
    assert result.good
    assert [each.recorded for each in result.outcomes] == [2, 3, 4]
    assert all(each.read and each.right and each.delivered == 1 for each in result.outcomes)


def test_the_light_counts_from_the_first_readable_frame() -> None:
    assert [each.light_ms for each in told(ARRIVALS).outcomes] == [215.5, 210.0, None]


def test_a_visitor_whom_nothing_reads_has_no_time_to_the_light() -> None:
    blind = replace(TRUTH, visitors=(replace(TRUTH.visitors[0], first_readable=None),))
    result = tally(blind, ARRIVALS[:1], LOG, proved=True, stopped_cleanly=True)
    assert result.outcomes[0].light_ms is None
    assert result.good


def test_a_missing_visitor() -> None:
    result = told(ARRIVALS[1:])
    gone = result.outcomes[0]
    assert not result.good
    assert (gone.read, gone.recorded, gone.delivered, gone.right) == (False, 0, 0, False)
    assert (gone.verdict, gone.direction, gone.light_ms) == ("-", "-", None)
    assert summary(result)["recorded"] == 2


def test_a_visitor_at_another_time_is_somebody_else() -> None:
    result = told([replace(ARRIVALS[0], taken_s=109.0), *ARRIVALS[1:]])
    assert not result.outcomes[0].read
    assert result.unexpected == 1


def test_a_doubled_arrival() -> None:
    result = told([replace(ARRIVALS[0], copies=2), *ARRIVALS[1:]])
    assert not result.good
    assert result.outcomes[0].delivered == 2
    assert summary(result)["delivered"] == 2


@pytest.mark.parametrize(
    "change", [{"verdict": "refused"}, {"direction": "out"}, {"reason": "expired"}]
)
def test_a_wrong_answer(change: dict[str, str]) -> None:
    result = told([replace(ARRIVALS[0], **change), *ARRIVALS[1:]])  # type: ignore[arg-type]
    assert not result.good
    assert not result.outcomes[0].right
    assert summary(result)["judged_right"] == 2


def test_an_event_that_nobody_caused() -> None:
    result = told([*ARRIVALS, replace(ARRIVALS[0], sequence=9)])
    assert not result.good
    assert result.unexpected == 1
    assert "1 event(s) that belong to no visitor" in as_table(result)


@pytest.mark.parametrize("missing", ["proved", "stopped_cleanly"])
def test_without_a_proof_or_a_clean_stop_it_is_not_good(missing: str) -> None:
    assert not told(ARRIVALS, **{missing: False}).good


def test_nothing_at_all() -> None:
    result = told([], [{"message": "ready"}], proved=False, stopped_cleanly=False)
    assert not result.good
    assert summary(result)["light_ms_p99"] is None
    table = as_table(result)
    for words in ("NOT proved complete", "did not stop cleanly", "to the light: not known"):
        assert words in table


def test_the_table() -> None:
    table = as_table(told([replace(ARRIVALS[0], copies=2), *ARRIVALS[1:]])).splitlines()
    assert VISITORS[0].name in table[2]
    assert table[2].endswith("in      2       2 216ms")
    assert table[3] == "    ^-- not as it should be"
    assert table[4].endswith("in      3       1 210ms")
    assert table[5].endswith("in      4       1     -")
    assert table[-3:] == [
        "visitors 3   read 3   recorded 3   delivered 2",
        "judged right 3; events: proved complete by checkpoint",
        "from the first readable frame to the light: p50 212.8 ms, p99 215.5 ms",
    ]


def test_every_line_of_the_table_fits_into_80_columns() -> None:
    outcomes = [
        Outcome(name, "not-understood", "none", True, 12345, 2, False, 12345.6, reason)
        for name in ["N" * 60, *(who.name for who in make_visitors(25, 1))]
        for reason in Reason
    ]
    result = Tally(tuple(outcomes), 12345, proved=False, stopped_cleanly=False)
    table = as_table(result).splitlines()
    assert max(len(line) for line in table) <= 80
    assert f" {'N' * 20}… unknown  link-shown" in table[2]


def test_no_name_of_a_visitor_is_cut() -> None:
    names = {who.name for seed in range(20) for who in make_visitors(60, seed)}
    assert any(name.endswith(OUT) for name in names)
    result = Tally((), 0, proved=True, stopped_cleanly=True)
    for name in names:
        one = Outcome(name, "accepted", "in", True, 1, 1, True, None)
        assert f" {name} " in as_table(replace(result, outcomes=(one,))), name


def test_the_json() -> None:
    found = json.loads(as_json(told(ARRIVALS)))
    assert found["good"] is True
    assert (found["light_ms_p50"], found["light_ms_p99"]) == (212.8, 215.5)
    assert [each["name"] for each in found["outcomes"]] == [who.name for who in VISITORS]
    assert found["outcomes"][0]["verdict"] == "accepted"


@pytest.mark.parametrize(
    ("share", "value"), [(0, 1), (0.01, 1), (0.07, 7), (0.5, 50), (0.99, 99), (1, 100)]
)
def test_percentiles_by_nearest_rank(share: float, value: float) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value
    assert percentile([5.0], share) == 5.0


def test_odd_lines_of_a_log_are_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b'{"message": "lit"}\n5\n{"x": 1}\ngatepost: the reason \xff\nhalf a li')
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        station = Daemon(process, log)
        said = [line["message"] for line in station.read_log()]
        assert said == ["lit", "5", '{"x": 1}', "gatepost: the reason \ufffd"]
        with log.open("ab") as more:
            more.write(b"ne\n")
        assert station.said("half a line")
        process.wait(10)
        with pytest.raises(GatepostError, match="the daemon ended with status 0:\nlit"):
            station.check()


def test_a_demo_without_visitors_is_none() -> None:
    with pytest.raises(UsageError):
        demo(Options(visitors=0))


def test_a_port_that_is_taken_is_said_before_anything_is_filmed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        keep = ["--keep", str(tmp_path / "new" / "folder")]
        assert main(["demo", "--headless", "--visitors", "1", "--port", port, *keep]) == 2
    told = capsys.readouterr()
    assert f"port {port} is taken" in told.err
    assert told.out == ""
    assert signal.getsignal(signal.SIGTERM) is before
    assert not (tmp_path / "new").exists()


@contextmanager
def running(folder: Path, *argv: str) -> Iterator[subprocess.Popen[str]]:
    """`gatepost demo` with its temporary files in `folder`; at the end nothing is left of it."""
    command = [sys.executable, "-u", "-m", "gatepost", "demo", "--headless", *argv]
    env = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as process:
        try:
            yield process
        finally:
            process.kill()
    assert list(folder.iterdir()) == []
    commands = [
        path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if readable(path)
    ]
    assert not [each for each in commands if str(folder).encode() in each]


def readable(path: Path) -> bool:
    """Whether the process is still there."""
    return os.access(path, os.R_OK)


@needs_mosquitto
def test_the_demo_tells_who_arrived_and_ends_with_0(tmp_path: Path) -> None:
    with running(tmp_path, "--visitors", "1") as process:
        out, err = process.communicate(timeout=50)
        assert (process.returncode, err) == (0, "")
    lines = out.splitlines()
    assert "  1 of 1 arrived" in lines
    assert "visitors 1   read 1   recorded 1   delivered 1" in lines


@needs_mosquitto
@pytest.mark.parametrize(
    ("number", "line"),
    [(signal.SIGINT, "the visitors come ...\n"), (signal.SIGTERM, "filming 1 recorded")],
)
def test_the_demo_interrupted_leaves_nothing(
    tmp_path: Path, number: signal.Signals, line: str
) -> None:
    with running(tmp_path, "--visitors", "1") as process:
        assert process.stdout is not None
        for heard in process.stdout:
            if heard.startswith(line):
                process.send_signal(number)
                process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (130, "")
