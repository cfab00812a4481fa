"""The commissioning report: signed by the station, read years later with its authority."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from dated import Fleet
from fakes import BOOT, FakeClock
from gatepost.cli import main
from gatepost.errors import ContractError, UsageError
from gatepost.selftest.commissioning import FOLDER, checked, commissioning, keep
from gatepost.selftest.findings import Finding
from gatepost.signing import Signer
from gatepost.timekeeping import stamp

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.demo.authority import AuthorityFiles

FOUND = [
    Finding("lamp accepted", ok=True, told="the lamp is green, steady"),
    Finding("relay", ok=True, told="skipped", skipped=True),
]


@pytest.fixture
def files(tmp_path: Path) -> AuthorityFiles:
    return Fleet(tmp_path).files()


def signed(
    tmp_path: Path, files: AuthorityFiles, found: list[Finding] = FOUND, **own: str
) -> tuple[Any, str]:
    station = SimpleNamespace(id="gp-1", site="site-1", data=tmp_path / "data")
    vars(station).update(own)
    door = SimpleNamespace(name="door", direction="in")
    config: Any = SimpleNamespace(station=station, reader=(door,))
    signer = Signer(files.station_certificate, files.station_key)
    now = stamp(FakeClock(), BOOT)
    return config, commissioning(config, signer, found, "Lê Văn Thợ", now)


def test_what_was_signed_is_what_is_read(tmp_path: Path, files: AuthorityFiles) -> None:
    config, token = signed(tmp_path, files)
    path = keep(config, token, stamp(FakeClock(), BOOT))
    report = checked(path, files.ca)
    assert report.signer == "gp-1"
    assert report.told["by"] == "Lê Văn Thợ"
    assert [each["name"] for each in report.told["findings"]] == ["lamp accepted", "relay"]
    assert (report.told["ok"], report.told["complete"]) == (True, False)


def test_a_changed_word_is_noticed(tmp_path: Path, files: AuthorityFiles) -> None:
    config, token = signed(tmp_path, files)
    head, body, signature = token.split(".")
    told = json.loads(base64.urlsafe_b64decode(body + "=="))
    told["complete"] = True
    forged = base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
    path = keep(config, f"{head}.{forged}.{signature}", stamp(FakeClock(), BOOT))
    with pytest.raises(ContractError, match="signature"):
        checked(path, files.ca)


def test_a_report_of_another_station_is_refused(tmp_path: Path, files: AuthorityFiles) -> None:
    config, token = signed(tmp_path, files, id="gp-2")
    with pytest.raises(ContractError, match="another station"):
        checked(keep(config, token, stamp(FakeClock(), BOOT)), files.ca)


def test_only_the_ten_newest_stay(tmp_path: Path, files: AuthorityFiles) -> None:
    config, token = signed(tmp_path, files)
    clock = FakeClock()
    for _ in range(13):
        clock.pass_(60)
        newest = keep(config, token, stamp(clock, BOOT))
    kept = sorted((tmp_path / "data" / FOLDER).iterdir())
    assert len(kept) == 10
    assert kept[-1] == newest


def test_a_report_of_a_clock_that_is_behind_stays_all_the_same(
    tmp_path: Path, files: AuthorityFiles
) -> None:
    config, token = signed(tmp_path, files)
    clock = FakeClock()
    for _ in range(10):
        clock.pass_(60)
        keep(config, token, stamp(clock, BOOT))
    oldest = keep(config, token, stamp(FakeClock(), BOOT))
    assert oldest.exists()
    assert len(list((tmp_path / "data" / FOLDER).iterdir())) == 10


def test_a_report_for_elsewhere_leaves_those_in_the_data_folder(
    tmp_path: Path, files: AuthorityFiles
) -> None:
    config, token = signed(tmp_path, files)
    clock = FakeClock()
    for _ in range(10):
        clock.pass_(60)
        keep(config, token, stamp(clock, BOOT))
    keep(config, token, stamp(clock, BOOT), tmp_path / "stick" / "report.jws")
    assert len(list((tmp_path / "data" / FOLDER).iterdir())) == 10


def test_what_nobody_looked_at_is_not_complete(tmp_path: Path, files: AuthorityFiles) -> None:
    config, _ = signed(tmp_path, files)
    signer = Signer(files.station_certificate, files.station_key)
    now = stamp(FakeClock(), BOOT)
    token = commissioning(config, signer, FOUND[:1], "button", now, whole=False)
    assert not checked(keep(config, token, now), files.ca).told["complete"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, files: AuthorityFiles) -> None:
    config, token = signed(tmp_path, files)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        keep(config, token, stamp(FakeClock(), BOOT), tmp_path / "file" / "report.jws")


@pytest.mark.parametrize("text", ["", "no token", "a.b.c", "\xff"])
def test_what_is_no_report_ends_with_a_clear_word(
    tmp_path: Path, files: AuthorityFiles, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = tmp_path / "report.jws"
    path.write_text(text, "latin-1")
    assert main(["selftest", "--verify", str(path), "--ca", str(files.ca)]) in {1, 2}
    assert capsys.readouterr().err.strip()


def test_the_command_reads_a_report_back(
    tmp_path: Path, files: AuthorityFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    config, token = signed(tmp_path, files, [FOUND[0]])
    path = keep(config, token, stamp(FakeClock(), BOOT))
    assert main(["selftest", "--verify", str(path), "--ca", str(files.ca)]) == 0
    told = capsys.readouterr().out
    assert "Lê Văn Thợ" in told
    assert "the lamp is green, steady" in told
    config, token = signed(tmp_path, files)
    path = keep(config, token, stamp(FakeClock(), BOOT))
    assert main(["selftest", "--verify", str(path), "--ca", str(files.ca), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["complete"] is False
