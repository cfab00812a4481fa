import json
import stat
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from desires import Source
from fakes import BOOT, FakeClock
from gatepost.cli import main
from gatepost.config import load
from gatepost.crashes import FOLDER, Crash, Store
from gatepost.model import Direction, Draft, Reason, ScanRecord, Trust, Verdict
from gatepost.report import Bundle, Sources, gather, redacted
from gatepost.report.bundle import MOST_MEMBER
from gatepost.report.journal import journal_lines, kernel_lines
from gatepost.spool import FILE, Spool, prepare
from gatepost.timekeeping import stamp

NOW = stamp(FakeClock(), BOOT)
CCCD = "001099012345|012345678|Nguyễn Văn An|01021999|Nam|Thôn Đông, Hà Nội|22122021"
QID = "******509123|NGUYEN VAN A|1989-**-**|0|QID7f31a2|"
DCC = "HC1:6BFOXN%TS3DH0YOJ58S S-W5HDC *M0II5XHC9B5G2+$N IOP-IA%NFQGRJPC"
PEM = "-----BEGIN PRIVATE KEY-----"
PEM += "\nMC4CAQAwBQYDK2VwBCIEIDq2pu6wMjkMcX9dZJ8\n-----END PRIVATE KEY-----"
JWT = "eyJhbGciOiJFUzI1NiIsInR5cCI6IngifQ.eyJhIjoxfQ.c2lnbmF0dXJl"
# What must be found nowhere in a bundle, of all that is planted.
SECRETS = (
    "001099012345", "012345678", "Nguyễn", "Văn An", "Thôn Đông", "509123", "NGUYEN", "QID7f31a2",
    "6BFOXN", "OJ58S", "MC4CAQAwBQYDK2VwBCIEI", "eyJhbGci", "c2lnbmF0dXJl", "0912345678",
    "an.nguyen@example.vn", "dc:a6:32:01:02:03", "DCA632010203", "2001:db8::17", "fe80::dea6",
    "Quan Ca Phe", "mat-khau-wifi", "AA0123XYZ", "10000000abcdef12",
)  # fmt: skip
PLANTED = (
    f"it read {CCCD}", f"it read {QID}", f"it read {DCC}", f"got '{QID.split('|')[1]}'", PEM, JWT,
    "0912345678 an.nguyen@example.vn", "Nguyễn Văn An came", "NGUYEN VAN A came",
    "mac dc:a6:32:01:02:03 addr 2001:db8::17 and fe80::dea6:32ff%eth0",
    'ssid="Quan Ca Phe" psk=mat-khau-wifi', "serial: AA0123XYZ", "SerialNumber: 10000000abcdef12",
)  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source.make(tmp_path_factory.mktemp("centre"))


@pytest.fixture
def config(tmp_path: Path, source: Source) -> Path:
    """A station in whose every corner lies what must not leave it."""
    path = tmp_path / "station.toml"
    data = tmp_path / "data"
    path.write_text(f"""
# {QID} 0912345678
[station]
id = "gp-1"
site = "site-1"
data = "data"
certificate = "{source.files.station_certificate}"
key = "{source.files.station_key}"
[broker]
host = "broker.example.vn"
ca = "{source.files.ca}"
[central]
sealing_key = "{source.files.sealing_public}"
[[reader]]
type = "serial"
name = "gun"
direction = "in"
device = "/dev/null"
""")
    prepare(data, "gp-1", "site-1", NOW, allow_volatile=True)
    with Spool(data / FILE) as spool:
        for plain in PLANTED:
            spool.append(Draft(scan(plain), NOW))
    (data / FOLDER).mkdir()
    store = Store(data / FOLDER)
    log = tuple(f"2026-11-24T08:00:00.000Z error it failed error={each!r}" for each in PLANTED)
    for number, each in enumerate(PLANTED[:5]):
        place = (f"a/b.py:7:{each}",)
        crash = Crash(f"no {number}: {each}", "1.0", BOOT, 1, NOW, NOW, log=log)
        store.add(replace(crash, threads=((each, place),)))
    return path


def scan(plain: str) -> ScanRecord:
    return ScanRecord(
        direction=Direction.IN,
        reader="gun",
        symbology="qr",
        kind="pc-covid",
        trust=next(iter(Trust)),
        verdict=next(iter(Verdict)),
        reason=next(iter(Reason)).value,
        plain=json.dumps({"data": plain}),
    )


def entry(message: str, identifier: str = "gatepost", pid: str = "812") -> str:
    return json.dumps({"MESSAGE": message, "SYSLOG_IDENTIFIER": identifier, "_PID": pid})


def journal() -> str:
    lines = [entry("2026-11-24T08:00:01.000Z info scan recorded sequence=7 reader=gun")]
    for each in PLANTED:
        lines += [
            entry(each),
            entry(f'2026-11-24T08:00:01.000Z warning trouble part=usb why="{each}"'),
            entry(json.dumps({"time": "2026-11-24T08:00:01.000+00:00", "level": "info",
                              "part": each, "message": each, "why": each, each: each})),
            entry(f"ValueError: invalid literal for int() with base 10: '{each}'"),
            entry(f"gatepost: failed: {each}"),
            entry(f"Fatal Python error: {each}"),
            entry(f"gatepost.service: Failed: {each}", "systemd", "1"),
            entry(f"not systemd: {each}", "systemd"),
            each,
        ]  # fmt: skip
    lines.append(entry("gatepost.service: Main process exited, status=9/KILL", "systemd", "1"))
    lines.append(entry('  File "/opt/x/site-packages/serial/posix.py", line 12, in read'))
    return "\n".join(lines)


def printed(command: Sequence[str]) -> str | None:
    """What the commands of a station print."""
    if command[0] == "journalctl":
        return journal()
    if command[0] == "dmesg":
        lines = [f"[    1.000000] usb 1-1: {each}" for each in PLANTED]
        return "\n".join(
            [*lines, "[    2.000000] mmc0: error -110", "[    3.0] wlan0: Quan Ca Phe"]
        )
    return "ActiveState=active\nNRestarts=3\nEnvironment=psk=mat-khau-wifi\nResult=success\n"


def bundle(config: Path, **more: Any) -> Bundle:
    return gather(Sources(config, load, printed, **more))


def texts(made: Bundle) -> dict[str, str]:
    return {each.name: each.content.decode() for each in made.members}


def test_nothing_of_a_visitor_and_no_secret_is_in_it(config: Path, source: Source) -> None:
    made = bundle(config, findings=lambda _: [{"name": each, "told": each} for each in PLANTED])
    made.missing += ["x"]
    everything = "\n".join([*texts(made).values(), *made.missing])
    assert [each for each in SECRETS if each.casefold() in everything.casefold()] == []
    for key in (source.files.station_key, source.files.ca):
        assert key.read_text("ascii").splitlines()[1] not in everything


def test_what_helps_is_in_it(config: Path, source: Source) -> None:
    got = texts(bundle(config))
    about = json.loads(got["about.json"])
    assert about["packages"]["cryptography"]
    assert about["kernel"]
    settings = json.loads(got["config.json"])
    assert settings["broker"]["host"] == "broker.example.vn"
    assert settings["station"]["key"] == str(source.files.station_key)
    assert settings["reader"][0]["name"] == "gun"
    spool = json.loads(got["spool.json"])
    assert (spool["newest"], spool["undelivered"]) == (len(PLANTED) + 1, len(PLANTED) + 1)
    assert [each["reason"][:4] for each in json.loads(got["crashes.json"])][-1] == "no 0"
    assert json.loads(got["unit.json"]) == {
        "ActiveState": "active", "NRestarts": "3", "Result": "success"
    }  # fmt: skip
    assert "info scan recorded sequence=7 reader=gun\n" in got["journal.txt"]
    assert "systemd: gatepost.service: Main process exited, status=9/KILL" in got["journal.txt"]
    assert "  posix.py:12:read" in got["journal.txt"]
    assert "mmc0: error -110" in got["kernel.txt"]
    assert "wlan0" not in got["kernel.txt"]


def test_a_station_that_does_not_run_is_said(config: Path) -> None:
    made = bundle(config)
    assert any(each.startswith("status.json: DeviceAbsent") for each in made.missing)


def test_commands_that_are_not_there_are_said(config: Path) -> None:
    made = gather(Sources(config, load, lambda _: None))
    assert [each.partition(":")[0] for each in made.missing][-3:] == [
        "unit.json", "journal.txt", "kernel.txt"
    ]  # fmt: skip


def test_a_broken_configuration_is_said_and_the_rest_is_bundled(config: Path) -> None:
    broken = config.read_text() + f'\n[lamp]\nred = "{QID}"\n"{CCCD}" = 1\n'
    config.write_text(broken)
    made = bundle(config)
    got = texts(made)
    assert "lamp" in got["config-problems.json"]
    assert json.loads(got["spool.json"])["newest"] == len(PLANTED) + 1
    assert json.loads(got["crashes.json"])
    assert "config.json" not in got
    assert [each for each in SECRETS if each in "".join(got.values())] == []


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[station]\ndata = 7\n", b"[station"])
def test_whatever_stands_in_the_configuration_there_is_a_bundle(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "station.toml"
    path.write_bytes(content)
    assert {"about.json", "config-problems.json", "journal.txt"} <= set(texts(bundle(path)))


def test_no_configuration_at_all_is_a_bundle_too(tmp_path: Path) -> None:
    assert "about.json" in texts(bundle(tmp_path / "none.toml"))


def test_a_damaged_spool_is_said(config: Path) -> None:
    (config.parent / "data" / FILE).write_bytes(b"no database" * 1000)
    assert json.loads(texts(bundle(config))["spool.json"])["problem"]


def test_looking_changes_nothing(config: Path) -> None:
    data = config.parent / "data"
    (data / FOLDER / "000099.json").write_bytes(b"damaged")
    bundle(config)
    assert (data / FOLDER / "000099.json").exists()


def test_each_file_is_bounded_and_its_end_stays() -> None:
    made = Bundle()
    made.add("journal.txt", "", [f"line {number}" for number in range(100_000)])
    made.add("crashes.json", "", ["x" * 1000 for _ in range(1000)])
    made.add("status.json", "", {"x": "y" * 1_000_000})
    assert all(len(each.content) <= MOST_MEMBER + 2 for each in made.members)
    assert made.members[0].content.endswith(b"line 99999\n")
    assert made.members[0].content.startswith(b"[the beginning is left out]\nline ")


def test_the_command_writes_a_zip_that_only_its_owner_reads(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = config.parent / "report.zip"
    assert main(["report", "--config", str(config), "--to", str(to), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == str(to)
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    with zipfile.ZipFile(to) as made:
        assert set(made.namelist()) == {each["name"] for each in told["members"]} | {"missing.txt"}
        assert made.testzip() is None


def test_the_command_tells_on_screen_what_is_inside(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    assert main(["report", "--config", str(config)]) == 0
    told = capsys.readouterr().out
    assert "settings; of keys the paths alone" in told
    assert "not in it: status.json" in told
    assert len(list(config.parent.glob("gatepost-report-*.zip"))) == 1


def test_a_broken_configuration_is_status_1(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text("[station]\ndata = 'data'\n")
    to = config.parent / "report.zip"
    assert main(["report", "--config", str(config), "--to", str(to)]) == 1
    assert "the configuration is broken" in capsys.readouterr().out
    assert to.exists()


def test_a_place_that_cannot_be_written_is_status_2(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = config.parent / "none" / "report.zip"
    assert main(["report", "--config", str(config), "--to", str(to)]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_link_at_its_place_is_not_written_through(config: Path) -> None:
    other = config.parent / "somebody's"
    other.write_text("as it was")
    to = config.parent / "report.zip"
    (config.parent / "report.zip.part").symlink_to(other)
    assert main(["report", "--config", str(config), "--to", str(to)]) == 0
    assert other.read_text() == "as it was"
    assert zipfile.is_zipfile(to)


@pytest.mark.parametrize("to", ["/dev/null/report.zip", "/sys/report.zip"])
def test_a_place_that_is_read_only_or_no_folder_is_status_2(
    config: Path, capsys: pytest.CaptureFixture[str], to: str
) -> None:
    assert main(["report", "--config", str(config), "--to", to]) == 2
    assert "--to names another place" in capsys.readouterr().err


def test_records_that_cannot_be_read_are_said(
    config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = config.parent / "data" / FOLDER
    folder.rename(config.parent / "aside")
    folder.write_bytes(b"")
    made = bundle(config)
    assert "crashes.json" not in texts(made)
    assert "crashes.json: OSError: Not a directory" in made.missing
    assert caplog.text == ""


def test_a_line_without_a_time_is_redacted_from_its_begin(config: Path) -> None:
    log = (f"{CCCD} and more", "an.nguyen@example.vn wrote")
    Store(config.parent / "data" / FOLDER).add(Crash("why", "1.0", BOOT, 1, NOW, NOW, log=log))
    got = texts(bundle(config))["crashes.json"]
    assert [each for each in SECRETS if each.casefold() in got.casefold()] == []


def test_an_old_citizens_number_is_left_out_of_a_json_line_too() -> None:
    line = {"time": "2026-11-24T08:00:01.000+00:00", "level": "info", "message": "read"}
    (told,) = journal_lines(entry(json.dumps(line | {"code": 123456789, "sequence": 1234})))
    assert "123456789" not in told
    assert json.loads(told)["sequence"] == 1234


@pytest.mark.parametrize("path", ["/home/nguyen-an/station/a.pem", "/media/an/stick/a.pem"])
def test_a_path_names_nobody(path: str) -> None:
    assert redacted(f"DeviceAbsent: {path}: not there") == (
        f"DeviceAbsent: /{path.split('/')[1]}/[user]/{'/'.join(path.split('/')[3:])}: not there"
    )


same: list[str] = [
    "scan recorded sequence=7 reader=door kind=pc-covid verdict=accepted",
    "worker door gave no heartbeat for 15 s",
    "broker: ConnectionError: refused by 192.168.1.17:8883 at 08:00:01",
    "SpoolFull: /gatepost/data/spool.db: no room: 1048576 of 1073741824 bytes",
    "starting at 2026-11-24T08:00:00.000Z version=0.2.0 boot_id=" + "b" * 32,
    "/opt/gatepost/versions/0.2.0/lib/python3.11/site-packages/gatepost/drivers/usb_serial.py",
]


@pytest.mark.parametrize("line", same)
def test_what_a_helper_needs_is_left_as_it_is(line: str) -> None:
    assert redacted(line).replace("1073741824", "[number]") == line.replace(
        "1073741824", "[number]"
    )


@pytest.mark.parametrize("read", [journal_lines, kernel_lines])
def test_whatever_is_printed_nothing_is_raised(read: Callable[[str], list[str]]) -> None:
    for content in ("", "\0", "{", "[]", '{"MESSAGE": [1, 2]}', '{"MESSAGE": 7}', "[" * 9000,
                    json.dumps({"MESSAGE": "{" * 5000}), "usb" * 9000):  # fmt: skip
        assert all(len(line) < 2000 for line in read(content))
