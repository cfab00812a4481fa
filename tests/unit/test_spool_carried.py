import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes import BOOT, FakeClock
from gatepost.cli import main
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.errors import ContractError, SpoolError, SpoolFull
from gatepost.model import Draft, FaultRecord
from gatepost.signing import Signer, load_certificates
from gatepost.spool import Bundle, Carried, Spool, check_signature, export, prepare, prove, take
from gatepost.spool.bundles import write_bundle
from gatepost.timekeeping import stamp

NOW = stamp(FakeClock(), BOOT)
OWN = "f" * 32


def quiet(_done: int) -> None:
    pass


def dead(folder: Path, events: int = 30) -> Path:
    """A station that died: event 11 to 20 and the newest are not delivered."""
    path = prepare(folder, "gp-dead", "site-1", NOW, allow_volatile=True)
    with Spool(path) as spool:
        for number in range(2, events + 1):
            record = FaultRecord("test", "failed", f"number {number} \u2013 ü")
            spool.append(Draft(record, NOW))
        spool.delivered([(1, 10), (21, events - 1)])
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("keys"), "gp-dead")


@pytest.fixture
def bundle(tmp_path: Path, files: AuthorityFiles) -> Path:
    path = dead(tmp_path / "dead")
    (tmp_path / "stick").mkdir()
    signer = Signer(files.station_certificate, files.station_key)
    made = export(path, tmp_path / "stick", signer, NOW, quiet)
    assert made is not None
    return made


def taken(bundle: Path, data: Path, files: AuthorityFiles) -> Carried:
    data.mkdir(exist_ok=True)
    take(bundle, data, OWN, load_certificates(files.ca), quiet)
    return Carried(data)


def test_an_export_holds_what_is_not_delivered_and_its_end_is_signed(
    bundle: Path, files: AuthorityFiles
) -> None:
    proved = prove(bundle)
    header = proved.header
    assert (header.source, header.first, header.last, header.count) == ("gp-dead", 11, 30, 11)
    assert check_signature(proved, load_certificates(files.ca)) == "gp-dead"
    assert [kept.sequence for kept in Bundle(bundle).range(1, 99)] == [*range(11, 21), 30]
    assert "BEGIN CERTIFICATE" in proved.trailer.certificates[0]
    assert bundle.stat().st_mode & 0o777 == 0o600


def test_an_export_never_overwrites(tmp_path: Path, bundle: Path) -> None:
    before = bundle.stat().st_mtime_ns
    path = tmp_path / "dead" / "spool.db"
    assert export(path, tmp_path / "stick", None, NOW, quiet) != bundle
    assert export(path, tmp_path / "stick", None, NOW, quiet) != bundle
    assert bundle.stat().st_mtime_ns == before
    assert len(list((tmp_path / "stick").iterdir())) == 2


def test_a_bundle_without_room_is_not_begun_and_says_how_much_it_needs(
    tmp_path: Path, bundle: Path
) -> None:
    given = Bundle(bundle)
    events = given.range(given.header.first, given.header.last)
    (tmp_path / "full").mkdir()
    with pytest.raises(SpoolFull, match=r"needs 0\.5 MiB, 0\.0 are free"):
        write_bundle(tmp_path / "full", given.header, events, given.trailer, 4000, spare=2**60)
    assert list((tmp_path / "full").iterdir()) == []


def test_a_damaged_spool_is_exported_as_far_as_it_can_be_read(tmp_path: Path) -> None:
    path = dead(tmp_path / "dead")
    content = bytearray(path.read_bytes())
    content[:4096] = bytes(4096)
    path.write_bytes(bytes(content))
    made = export(path, tmp_path, None, NOW, quiet)
    assert made is not None
    assert prove(made).header.count == 11
    assert Bundle(made).trailer.checkpoint == ""


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda lines: lines[:5] + lines[6:], "line 12: "),
        (lambda lines: lines[:-1], "line"),
        (lambda lines: [*lines, b"{}\n"], "line 14: more than the 11 events"),
        (lambda lines: [lines[0], lines[1].replace(b"number", b"nunber"), *lines[2:]], "line 3: "),
        (lambda lines: [*lines[:-2], lines[-2].replace(b"30", b"31"), lines[-1]], "line 12: "),
        (lambda lines: [lines[0].replace(b"gp-dead", b"gp-liar"), *lines[1:]], "line 2: "),
        (lambda lines: [lines[0].replace(b"{", b"{ ", 1), lines[1] + b"\n", *lines[2:]], "line"),
        (lambda _lines: [b"no bundle\n"], "line 1: "),
    ],
)
def test_a_bundle_that_does_not_hold_is_refused_with_its_line(
    bundle: Path, tmp_path: Path, files: AuthorityFiles, wrong: Callable[..., list[bytes]], why: str
) -> None:
    lines = wrong(bundle.read_bytes().splitlines(keepends=True))
    bundle.write_bytes(b"".join(lines))
    (tmp_path / "data").mkdir()
    with pytest.raises(ContractError) as told:
        take(bundle, tmp_path / "data", OWN, load_certificates(files.ca), quiet)
    assert why in str(told.value) or "payload" in str(told.value)
    assert [each.name for each in (tmp_path / "data").rglob("*") if each.is_file()] == []


def test_a_checkpoint_of_another_authority_or_station_is_refused(
    bundle: Path, tmp_path: Path, files: AuthorityFiles
) -> None:
    others = make_authority(tmp_path / "others", "gp-dead")
    with pytest.raises(ContractError, match=r"line 13: checkpoint: .*authority"):
        check_signature(prove(bundle), load_certificates(others.ca))
    central = Signer(files.central_certificate, files.central_key)
    with pytest.raises(SpoolError, match="the key is that of central"):
        export(tmp_path / "dead" / "spool.db", tmp_path, central, NOW, quiet)


def test_what_is_carried_is_sent_oldest_first_and_its_checkpoint_last(
    bundle: Path, tmp_path: Path, files: AuthorityFiles
) -> None:
    carried = taken(bundle, tmp_path / "data", files)
    assert carried.depth() == 11
    first = carried.pending(4)
    assert [each.sequence for each in first] == [11, 12, 13, 14]
    rest = carried.pending(99, {each.key for each in first})
    assert [each.sequence for each in rest] == [*range(15, 21), 30]
    assert {each.kind for each in rest} == {"event"}
    carried.sent(first + rest)
    (end,) = carried.pending(99)
    assert (end.kind, end.sequence, end.payload.count(b".")) == ("checkpoint", 30, 2)
    carried.sent([end])
    assert carried.pending(99) == []
    assert carried.depth() == 11
    carried.delivered("gp-dead", end.epoch, [(1, 25)])
    carried.delivered("gp-other", end.epoch, [(1, 25)])
    carried.persist()
    again = Carried(tmp_path / "data")
    assert (again.depth(), again.pending(99)) == (1, [])
    found = [kept.sequence for kept in again.find("gp-dead", end.epoch, 12, 14)]
    assert found == [12, 13, 14]


def test_the_same_bundle_twice_is_there_once_and_a_running_uplink_finds_it(
    bundle: Path, tmp_path: Path, files: AuthorityFiles
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    running = Carried(data)
    authorities = load_certificates(files.ca)
    assert take(bundle, data, OWN, authorities, quiet).new
    assert running.depth() == 0
    running.look()
    assert running.depth() == 11
    assert not take(bundle, data, OWN, authorities, quiet).new
    running.look()
    assert running.depth() == 11


def test_a_torn_note_of_what_is_sent_costs_duplicates_only(
    bundle: Path, tmp_path: Path, files: AuthorityFiles
) -> None:
    carried = taken(bundle, tmp_path / "data", files)
    carried.sent(carried.pending(99))
    carried.persist()
    (marks,) = (tmp_path / "data" / "carried").glob("*.marks")
    marks.write_bytes(marks.read_bytes()[:-30])
    assert len(Carried(tmp_path / "data").pending(99)) in {1, 11}
    marks.write_bytes(b"\xff")
    assert len(Carried(tmp_path / "data").pending(99)) == 11


def test_a_large_bundle_is_found_in_by_its_middle(tmp_path: Path) -> None:
    path = prepare(tmp_path / "dead", "gp-dead", "site-1", NOW, allow_volatile=True)
    with Spool(path) as spool:
        spool._database.execute("BEGIN")
        for _ in range(1999):
            spool.append(Draft(FaultRecord("test", "failed", "x" * 600), NOW))
        spool._database.execute("COMMIT")
    made = export(path, tmp_path, None, NOW, quiet)
    assert made is not None
    bundle = Bundle(made)
    for first, last in [(1, 1), (777, 780), (1999, 2500), (3000, 4000)]:
        wanted = list(range(first, min(last, 2000) + 1))
        assert [kept.sequence for kept in bundle.range(first, last)] == wanted


def test_delivered_bundles_go_after_their_days(
    bundle: Path, tmp_path: Path, files: AuthorityFiles
) -> None:
    carried = taken(bundle, tmp_path / "data", files)
    clock = FakeClock()
    clock.pass_(20 * 86400)
    late = stamp(clock, BOOT)
    assert carried.purge(late, 14) == 0
    carried.sent(carried.pending(99))
    carried.sent(carried.pending(99))
    carried.delivered("gp-dead", carried.bundles[0].header.epoch, [(1, 30)])
    assert carried.purge(NOW, 14) == 0
    assert carried.purge(late, 14) == 1
    assert carried.bundles == []


def config(folder: Path, files: AuthorityFiles, name: str) -> str:
    path = folder / f"{name}.toml"
    path.write_text(
        f"""[station]
id = "{name}"
site = "site-1"
data = "{folder / name}"
certificate = "{files.station_certificate}"
key = "{files.station_key}"
[broker]
host = "localhost"
ca = "{files.ca}"
[central]
sealing_key = "{files.sealing_public}"
[[reader]]
name = "door"
type = "frames"
direction = "in"
path = "{folder}"
"""
    )
    return str(path)


Capture = pytest.CaptureFixture[str]


def test_from_a_dead_station_to_another_by_the_command_line(
    tmp_path: Path, files: AuthorityFiles, capsys: Capture
) -> None:
    dead(tmp_path / "gp-dead")
    (tmp_path / "stick").mkdir()
    told = config(tmp_path, files, "gp-dead")
    assert (
        main(["spool", "export", "--config", told, "--to", str(tmp_path / "stick"), "--json"]) == 0
    )
    (made,) = json.loads(capsys.readouterr().out)["bundles"]
    assert (made["events"], made["signed"]) == (11, True)
    own = config(tmp_path, files, "gp-2")
    prepare(tmp_path / "gp-2", "gp-2", "site-1", NOW, allow_volatile=True)
    for new in (True, False):
        assert main(["spool", "import", made["file"], "--config", own, "--json"]) == 0
        (got,) = json.loads(capsys.readouterr().out)["bundles"]
        assert (got["new"], got["events"], got["signer"]) == (new, 11, "gp-dead")
    assert main(["spool", "import", made["file"], "--config", told]) == 1
    assert "in this station's own spool" in capsys.readouterr().err
    for action in ("status", "verify"):
        assert main(["spool", action, "--config", own, "--json"]) == 0
        (carried,) = json.loads(capsys.readouterr().out)["carried"]
        assert (carried["source"], carried["undelivered"]) == ("gp-dead", 11)
    (kept,) = (tmp_path / "gp-2" / "carried").glob("*.gatepost")
    kept.write_bytes(kept.read_bytes().replace(b"number 12", b"number 21"))
    assert main(["spool", "verify", "--config", own]) == 1
    assert "does not follow" in capsys.readouterr().out


def test_a_dead_stations_card_without_its_key(
    tmp_path: Path, files: AuthorityFiles, capsys: Capture
) -> None:
    path = dead(tmp_path / "card")
    to = str(tmp_path)
    assert main(["spool", "export", str(path), "--to", to]) == 0
    assert "without a checkpoint" in capsys.readouterr().err
    key = ["--certificate", str(files.station_certificate)]
    assert main(["spool", "export", str(path), "--to", to, *key]) == 2
    assert (
        main(["spool", "export", str(path), "--to", to, *key, "--key", str(files.station_key)]) == 0
    )
    assert len(list(tmp_path.glob("*.gatepost"))) == 2


def test_a_card_that_may_not_be_written_is_read_in_a_copy(tmp_path: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("needs root to mount a card read-only")
    with Spool(dead(tmp_path / "live")) as spool:
        spool.append(Draft(FaultRecord("test", "failed", "the last"), NOW))
        shutil.copytree(
            tmp_path / "live", tmp_path / "card", ignore=shutil.ignore_patterns("*-shm")
        )
    card = tmp_path / "card"
    told = os.system(f"mount --bind {card} {card} && mount -o remount,bind,ro {card}")  # noqa: S605
    if told:
        pytest.skip("no bind mounts here")
    try:
        made = export(card / "spool.db", tmp_path, None, NOW, quiet)
        assert made is not None
        assert prove(made).header.last == 31
    finally:
        os.system(f"umount {card}")  # noqa: S605
