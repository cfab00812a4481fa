import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from desires import NOW, Source
from fakes import BOOT, FakeClock
from gatepost.cli import main
from gatepost.config import load
from gatepost.crashes import FOLDER, Crash, Store
from gatepost.daybook import FILE as DAY
from gatepost.daybook.layout import HEADER_BYTES
from gatepost.desired import Desire, Held, Refused
from gatepost.model import AuditRecord, Draft, FaultRecord
from gatepost.resetting import REQUEST, Resets, apply, ask, asked
from gatepost.spool import FILE, Look, Spool, locked, prepare
from gatepost.timekeeping import stamp

NOW_STAMP = stamp(FakeClock(), BOOT)
KEY = b"the key of the day" * 40
KEPT = {"spool.db", "desired", "commands.json"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source.make(tmp_path_factory.mktemp("centre"))


@pytest.fixture
def config(tmp_path: Path, source: Source) -> Path:
    """A station that has seen something of the world."""
    path = configured(tmp_path, source, f'authority = "{source.files.ca}"')
    data = tmp_path / "data"
    prepare(data, "gp-1", "site-1", NOW_STAMP, allow_volatile=True)
    with Spool(data / FILE) as spool:
        for number in range(3):
            spool.append(Draft(FaultRecord("oled", "failed", str(number)), NOW_STAMP))
    held = Held(data / "desired", source.centre)
    held.take(source.token(Desire.RULES, 7), Desire.RULES, NOW)
    held.take(source.token(Desire.TRUST, 3), Desire.TRUST, NOW)
    for name in (DAY, f"{DAY}.new"):
        (data / name).write_bytes(KEY)
    (data / "commands.json").write_bytes(b"[]")
    (data / FOLDER).mkdir()
    Store(data / FOLDER).add(Crash("why", "1.0", BOOT, 1, NOW_STAMP, NOW_STAMP))
    (data / "reports" / "deeper").mkdir(parents=True)
    (data / "reports" / "commissioning-1.jws").write_bytes(b"by a technician")
    return path


def configured(folder: Path, source: Source, central: str) -> Path:
    path = folder / "station.toml"
    path.write_text(f"""
[station]
id = "gp-1"
site = "site-1"
data = "data"
certificate = "{source.files.station_certificate}"
key = "{source.files.station_key}"
[broker]
host = "127.0.0.1"
ca = "{source.files.ca}"
[central]
sealing_key = "{source.files.sealing_public}"
{central}
[[reader]]
type = "serial"
name = "gun"
direction = "in"
device = "/dev/null"
""")
    return path


def events(data: Path) -> list[bytes]:
    with Look(data / FILE) as look:
        return [each.body for each in look.range(1, 100)]


def left(data: Path) -> set[str]:
    return {each.name for each in data.iterdir()} - {"spool.db-wal", "spool.db-shm", "lock"}


def check_reset(data: Path, source: Source) -> None:
    assert left(data) == KEPT | {"reset-done"}
    assert {each.name for each in (data / "desired").iterdir()} == {"rules.floor", "trust.floor"}
    held = Held(data / "desired", source.centre)
    assert held.look() == []
    for kind, version in ((Desire.RULES, 6), (Desire.TRUST, 2)):
        with pytest.raises(Refused, match="before the factory reset"):
            held.take(source.token(kind, version), kind, NOW)


def test_asking_says_what_goes_and_stays_and_does_nothing_yet(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = config.parent / "data"
    before = left(data)
    assert main(["reset", "--config", str(config), "--yes"]) == 0
    told = capsys.readouterr().out
    assert "goes:\n    rules and trust list" in told
    assert "every event that is not delivered yet" in told
    assert left(data) == before | {REQUEST}
    assert json.loads((data / REQUEST).read_text())["by"] == "local"


def test_without_yes_nobody_is_asked_and_nothing_is_done(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reset", "--config", str(config)]) == 2
    assert "--yes if it is meant" in capsys.readouterr().err
    assert not (config.parent / "data" / REQUEST).exists()


@pytest.mark.parametrize(("typed", "status"), [("gp-1", 0), ("yes", 2)])
def test_at_a_terminal_the_stations_id_confirms_it(config: Path, typed: str, status: int) -> None:
    ours, theirs = os.openpty()
    os.write(ours, f"{typed}\n".encode())
    command = [sys.executable, "-m", "gatepost", "reset", "--config", str(config)]
    done = subprocess.run(command, stdin=theirs, capture_output=True, timeout=30, check=False)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == status
    assert (config.parent / "data" / REQUEST).exists() == (status == 0)


def test_what_was_made_here_goes_and_what_it_is_stays(config: Path, source: Source) -> None:
    data = config.parent / "data"
    before, settings = events(data), config.read_bytes()
    ask(data, NOW_STAMP)
    assert main(["reset", "--config", str(config), "--apply"]) == 0
    check_reset(data, source)
    assert events(data) == before
    assert config.read_bytes() == settings
    assert source.files.station_key.exists()


def test_nothing_is_done_where_nothing_was_asked(config: Path) -> None:
    before = left(config.parent / "data")
    assert main(["reset", "--config", str(config), "--apply"]) == 0
    assert left(config.parent / "data") == before


def test_nothing_is_done_under_a_running_station(config: Path) -> None:
    data = config.parent / "data"
    ask(data, NOW_STAMP)
    with locked(data):
        assert main(["reset", "--config", str(config), "--apply"]) == 1
    assert (data / "desired" / "rules.jws").exists()
    assert (data / REQUEST).exists()


def test_what_the_centre_still_says_is_taken_again(config: Path, source: Source) -> None:
    apply(load(config))
    held = Held(config.parent / "data" / "desired", source.centre)
    taken = held.take(source.token(Desire.RULES, 7), Desire.RULES, NOW)
    assert taken is not None
    with pytest.raises(Refused, match="7 is held already"):
        held.take(source.token(Desire.RULES, 7, audience=["*"]), Desire.RULES, NOW)


def test_two_resets_do_not_lower_what_is_refused(config: Path, source: Source) -> None:
    apply(load(config))
    apply(load(config))
    check_reset(config.parent / "data", source)


def test_without_an_authority_nobodys_word_is_kept(tmp_path: Path, source: Source) -> None:
    config = configured(tmp_path, source, "")
    folder = tmp_path / "data" / "desired"
    folder.mkdir(parents=True)
    (folder / "rules.jws").write_bytes(b"from whomever")
    assert apply(load(config)).startswith("what the centre sent, the day's memory")
    assert list(folder.iterdir()) == []


def test_the_days_key_is_written_over_before_its_file_goes(config: Path) -> None:
    data = config.parent / "data"
    with (data / DAY).open("rb") as day, (data / f"{DAY}.new").open("rb") as torn:
        apply(load(config))
        assert day.read(HEADER_BYTES) == torn.read(HEADER_BYTES) == bytes(HEADER_BYTES)


# In each folder the reset, by a process that is killed before its next change of the card.
KILLED = """
import os, sys
from pathlib import Path
from gatepost.config import load
from gatepost.resetting import apply

def life(folder, at):
    left = at

    def hook(event, args):
        nonlocal left
        changes = event in ("os.remove", "os.rename", "os.rmdir", "os.mkdir")
        changes = changes or (event == "open" and args[2] & os.O_CREAT)
        if changes and str(args[0]).startswith(folder):
            left -= 1
            if left == 0:
                os._exit(9)

    sys.addaudithook(hook)
    apply(load(Path(folder) / "station.toml"))
    os._exit(0)

for at, folder in enumerate(sys.argv[1:], 1):
    child = os.fork() or life(folder, at)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_kill_before_any_change_leaves_it_to_be_done_again(
    config: Path, source: Source, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = events(config.parent / "data")
    ask(config.parent / "data", NOW_STAMP)
    folders = [tmp_path_factory.mktemp("cut") for _ in range(32)]
    for folder in folders:
        _copy(config.parent, folder)
    command = [sys.executable, "-c", KILLED, *map(str, folders)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True, text=True)
    codes = done.stdout.split()
    killed = codes.index("0")
    assert codes == ["9"] * killed + ["0"] * (32 - killed)
    assert killed > 15
    for folder in folders[: killed + 1]:
        data = folder / "data"
        for kind in ("rules", "trust"):  # never neither
            assert any((data / "desired" / f"{kind}.{end}").exists() for end in ("jws", "floor"))
        assert (data / REQUEST).exists() or (data / "reset-done").exists()
        apply(load(folder / "station.toml"))
        check_reset(data, source)
        assert events(data) == before


def _copy(of: Path, to: Path) -> None:
    for each in sorted(of.rglob("*")):
        target = to / each.relative_to(of)
        if each.is_dir():
            target.mkdir()
        else:
            target.write_bytes(each.read_bytes())


def test_a_reset_is_one_audit_event_of_the_next_run(config: Path) -> None:
    data = config.parent / "data"
    told = apply(load(config))
    resets = Resets(data)
    (record,) = resets.due(NOW_STAMP)
    assert record == AuditRecord("factory-reset", "local", "done", told)
    assert "rules from 7, trust from 3" in told
    assert "4 undelivered events stay" in told
    assert list(Resets(data).due(NOW_STAMP)) == [record]  # not recorded: told again
    resets.kept(record, NOW_STAMP)
    assert not resets.due(NOW_STAMP)
    assert not Resets(data).due(NOW_STAMP)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 4000])
def test_a_damaged_note_is_told_all_the_same(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "reset-done").write_bytes(content)
    (record,) = Resets(tmp_path).due(NOW_STAMP)
    assert isinstance(record, AuditRecord)
    assert record.detail == "what was done is not known: its note is damaged"


def test_whether_it_is_asked_for_is_not_guessed(tmp_path: Path) -> None:
    assert not asked(tmp_path / "none")
    with pytest.raises(OSError, match="too long"):  # as no permission, or a card that fails
        asked(tmp_path / ("x" * 300))


def test_a_link_in_the_data_folder_is_not_written_through(config: Path) -> None:
    other = config.parent / "of-root"
    other.write_text("as it was")
    owner = other.stat().st_uid
    # The folder is the station's own, and this command is root's.
    (config.parent / "data" / f"{REQUEST}.new").symlink_to(other)
    assert main(["reset", "--config", str(config), "--yes"]) == 0
    assert (other.read_text(), other.stat().st_uid) == ("as it was", owner)
    assert not (config.parent / "data" / REQUEST).is_symlink()


def test_a_card_that_cannot_be_written_is_said(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = config.parent / "data" / f"{REQUEST}.new"
    blocked.mkdir()
    assert main(["reset", "--config", str(config), "--yes"]) == 1
    assert f"{blocked}: Is a directory: not reset" in capsys.readouterr().err
