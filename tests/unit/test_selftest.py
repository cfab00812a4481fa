"""`gatepost selftest` beside real brokers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from brokers import HOST, free_port, mosquitto, needs_mosquitto
from dated import ENDED, Days, Fleet
from fakes import BOOT, FakeClock
from gatepost.cli import main
from gatepost.config import load
from gatepost.drivers.broker import PahoBroker, tls_context
from gatepost.model import Draft, FaultRecord, Message
from gatepost.selftest import CHECKS, Finding, network_report, selftest
from gatepost.spool import Spool, prepare
from gatepost.timekeeping import stamp

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from gatepost.demo.authority import AuthorityFiles

ACL = "pattern write gatepost/v1/+/%u/#\npattern read gatepost/v1/+/%u/command/#\n"


def configure(folder: Path, files: AuthorityFiles, port: int, host: str = HOST) -> Path:
    path = folder / "station.toml"
    path.write_text(f"""
[station]
id = "gp-1"
site = "site-1"
data = "data"
certificate = "{files.station_certificate}"
key = "{files.station_key}"
[broker]
host = "{host}"
port = {port}
ca = "{files.ca}"
[central]
sealing_key = "{files.sealing_public}"
authority = "{files.ca}"
[spool]
allow_volatile = true
[[reader]]
type = "frames"
name = "door"
direction = "auto"
path = "."
""")
    return path


def fill(folder: Path) -> Path:
    now = stamp(FakeClock(), BOOT)
    path = prepare(folder / "data", "gp-1", "site-1", now, allow_volatile=True)
    with Spool(path) as spool:
        for number in range(4):
            spool.append(Draft(FaultRecord("test", "failed", str(number)), now))
    return path


def found(path: Path) -> dict[str, Finding]:
    return {each.name: each for each in selftest(load(path))}


@needs_mosquitto
def test_a_station_that_is_well_beside_one_that_runs(tmp_path: Path) -> None:
    files = Fleet(tmp_path).files()
    fill(tmp_path)
    (tmp_path / "acl").write_text(ACL)
    with mosquitto(tmp_path, tls=files, extra=[f"acl_file {tmp_path / 'acl'}"]) as running:
        tls = tls_context(files.ca, files.station_certificate, files.station_key)
        station = PahoBroker(host=HOST, port=running.port, client_id="gp-1", tls=tls)
        state = Message("gatepost/v1/site-1/gp-1/state", b"{}", retain=True)
        station.connect(state)
        told = found(configure(tmp_path, files, running.port))
        assert station.exchange([], 0.2).acknowledged == ()  # its session was left alone
        station.disconnect()
    trouble = {name: each for name, each in told.items() if not each.ok and name != "clock"}
    assert not trouble
    assert "TLSv1.3; the broker's certificate ends on 2049-12-31" in told["tls"].told
    assert "as gp-1-selftest with MQTT 5" in told["session"].told
    assert "response/selftest" in told["publish"].told
    assert "granted" in told["subscribe"].told
    assert "5 events, 5 not delivered" in told["spool"].told
    assert "of 20" in told["flush"].told
    assert told["certificate"].told == "station.pem ends on 2049-12-31"


@needs_mosquitto
def test_a_broker_that_does_not_let_us_publish_is_told_with_what_to_do(tmp_path: Path) -> None:
    files = Fleet(tmp_path).files()
    (tmp_path / "acl").write_text("topic read #\n")
    extra = [f"acl_file {tmp_path / 'acl'}"]
    with mosquitto(tmp_path, tls=files, extra=extra) as running:
        told = found(configure(tmp_path, files, running.port))
    publish = told.get("publish") or told["session"]
    assert not publish.ok
    assert "not authorized" in publish.told.lower()


def test_each_step_that_fails_ends_the_way_to_the_broker(tmp_path: Path) -> None:
    files = Fleet(tmp_path).files(station=ENDED)
    told = found(configure(tmp_path, files, free_port()))
    assert told["connection"].told.endswith(
        "refused: the host is there, and no broker listens on this port"
    )
    assert not {"tls", "session", "publish"} & told.keys()
    assert "ended on 2021-02-03" in told["certificate"].told
    assert not told["card"].ok  # never started: there is no folder yet
    elsewhere = found(configure(tmp_path, files, 8883, "nowhere.invalid"))
    assert not elsewhere["name"].ok
    assert "connection" not in elsewhere


@needs_mosquitto
def test_a_brokers_certificate_that_ended_is_told(tmp_path: Path) -> None:
    files = Fleet(tmp_path).files(broker=Days(ends="2022-01-01"))
    with mosquitto(tmp_path, tls=files) as running:
        told = found(configure(tmp_path, files, running.port))
    assert told["tls"].told == "the broker's certificate ended on 2022-01-01"


def test_keys_and_a_spool_that_do_not_fit_are_told(tmp_path: Path) -> None:
    files = Fleet(tmp_path).files()
    files.sealing_public.write_text("no key")
    path = fill(tmp_path)
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    told = found(configure(tmp_path, files, free_port()))
    assert "central.sealing_key" in told["keys"].told
    assert not told["spool"].ok
    assert "restart the station" in told["spool"].advice


def test_another_check_is_one_more_in_the_list(tmp_path: Path) -> None:
    files = Fleet(tmp_path).files()
    extra = (lambda _config: iter([Finding("lamp", ok=True, told="lit")]),)
    config = load(configure(tmp_path, files, 1))
    told = selftest(config, (*CHECKS[:1], *extra))
    assert [each.name for each in told] == ["keys", "lamp"]


def test_the_short_report_is_one_line(tmp_path: Path) -> None:
    files = Fleet(tmp_path).files()
    report = network_report(load(configure(tmp_path, files, free_port())))
    assert report.startswith(f"ok name: {HOST} is {HOST}")
    assert "; TROUBLE connection: " in report
    assert "\n" not in report


def test_the_command_shows_and_exits_by_what_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Fleet(tmp_path).files()
    path = configure(tmp_path, files, free_port())
    assert main(["selftest", "--config", str(path)]) == 1
    shown = capsys.readouterr().out
    assert " TROUBLE  connection" in shown
    assert "-> start the station once" in shown
    assert main(["selftest", "--config", str(path), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["station"], told["ok"]) == ("gp-1", False)
    assert {"name", "ok", "told", "advice"} == told["findings"][0].keys()
