from __future__ import annotations

import errno
import json
import os
import socket
import stat
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from stations import configure

from fakes import FakeClock
from gatepost.conditions import Conditions
from gatepost.config import load
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.errors import DeviceAbsent
from gatepost.status import Serving, ask_status, place, places
from gatepost.status.serving import MOST_BYTES, PART

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path


class Room:
    """The worker, stepped by hand."""

    def __init__(self, path: Path) -> None:
        self.clock = FakeClock()
        self.conditions = Conditions(lambda _cue: None)
        self.asked = 0
        self.told: dict[str, Any] = {"station": "gp-1", "notes": {"card": "thẻ"}}
        self.serving = Serving(path, self.report, self.conditions, self.clock, wait_s=0.01)
        self.worker: Generator[None, None, None] = self.serving.run()
        next(self.worker)  # the first heartbeat, before anything is opened
        next(self.worker)

    def report(self) -> dict[str, Any]:
        self.asked += 1
        return self.told

    def step(self, seconds: float = 0.0) -> None:
        self.clock.pass_(seconds)
        next(self.worker)

    def connect(self) -> socket.socket:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(5.0)
        link.connect(str(self.serving.path))
        return link


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "status"


@pytest.fixture
def room(path: Path) -> Iterator[Room]:
    room = Room(path)
    yield room
    room.worker.close()


def rest(link: socket.socket) -> bytes:
    with link:
        parts = []
        while part := link.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_a_connection_is_given_one_line_of_json_and_is_closed(room: Room) -> None:
    link = room.connect()
    room.step()
    line = rest(link)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == room.told
    assert room.conditions.noted() == {}


def test_only_the_stations_user_and_group_may_ask(path: Path, room: Room) -> None:
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    room.worker.close()
    assert not path.exists()


def test_clients_that_never_read_hold_nobody_up(room: Room) -> None:
    room.told["long"] = "x" * (MOST_BYTES - 1000)
    silent = [room.connect() for _ in range(8)]
    room.step()
    late = room.connect()
    room.step()
    assert json.loads(rest(late))["station"] == "gp-1"
    for each in silent:
        assert json.loads(rest(each))["station"] == "gp-1"  # it was all on its way


def test_a_client_that_left_or_talks_is_no_trouble(room: Room) -> None:
    room.connect().close()
    loud = room.connect()
    loud.sendall(b"GET / HTTP/1.0\r\n\r\n" * 100)
    room.step()
    room.step()
    link = room.connect()
    room.step()
    assert json.loads(rest(link))["station"] == "gp-1"
    loud.close()


def test_whoever_asks_often_is_given_the_same_and_costs_nothing(room: Room) -> None:
    links = [room.connect() for _ in range(5)]
    room.step()
    assert room.asked == 1
    room.clock.pass_(0.6)
    links.append(room.connect())
    room.step()
    assert room.asked == 2
    for each in links:
        each.close()


def test_a_report_that_is_too_long_is_not_sent(room: Room) -> None:
    room.told["long"] = "x" * MOST_BYTES
    link = room.connect()
    room.step()
    assert json.loads(rest(link)) == {"error": "the report is too long"}


def test_the_file_of_a_daemon_that_was_killed_is_taken_over(path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    dead.bind(str(path))
    dead.close()
    room = Room(path)
    link = room.connect()
    room.step()
    assert json.loads(rest(link))["station"] == "gp-1"
    room.worker.close()


def test_another_daemon_that_answers_there_keeps_its_place(path: Path, room: Room) -> None:
    other = Room(path)
    assert other.conditions.noted() == {PART: "cannot be opened"}
    link = room.connect()
    room.step()
    assert json.loads(rest(link))["station"] == "gp-1"
    other.worker.close()
    assert path.exists()


def test_a_file_that_is_no_socket_is_left_alone(path: Path) -> None:
    path.write_text("somebody's")
    room = Room(path)
    room.step()
    assert room.conditions.noted() == {PART: "cannot be opened"}
    room.worker.close()
    assert path.read_text() == "somebody's"


def test_a_path_that_is_too_long_or_has_no_folder_is_noted_and_the_worker_goes_on(
    tmp_path: Path,
) -> None:
    for bad in (tmp_path / ("x" * 150), tmp_path / "gone" / "status"):
        room = Room(bad)
        room.step(60)
        room.step(60)
        assert room.conditions.noted() == {PART: "cannot be opened"}
        room.worker.close()


class Full(Serving):
    """As on a file system that has no room, or lets nothing be written."""

    why = 0

    def _make_room(self) -> None:
        if self.why:
            raise OSError(self.why, os.strerror(self.why))
        super()._make_room()


@pytest.mark.parametrize("why", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_where_nothing_can_be_written_it_is_noted_and_tried_again(path: Path, why: int) -> None:
    room = Room(path)
    room.worker.close()
    full = Full(path, room.report, room.conditions, room.clock, wait_s=0.01)
    full.why = why
    room.worker = full.run()
    next(room.worker)
    room.step()
    assert room.conditions.noted() == {PART: "cannot be opened"}
    full.why = 0
    room.step(29)
    assert not path.exists()
    room.step(2)
    room.step()
    assert path.exists()
    assert room.conditions.noted() == {}
    room.worker.close()


def test_a_socket_whose_file_was_removed_is_opened_again(path: Path, room: Room) -> None:
    path.unlink()
    room.step(31)
    link = room.connect()
    room.step()
    assert json.loads(rest(link))["station"] == "gp-1"


# --- asking


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("authority"), "gp-1")


@contextmanager
def answering(path: Path, answer: bytes) -> Iterator[None]:
    """Something that answers so, once."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(1)

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        yield
        thread.join()
    path.unlink()


def test_under_systemd_the_socket_is_in_the_services_folder(tmp_path: Path) -> None:
    assert place(tmp_path, {"RUNTIME_DIRECTORY": "/run/gatepost:/run/other"}).as_posix() == (
        "/run/gatepost/status"
    )
    assert place(tmp_path, {}) == tmp_path / "status"


def test_a_station_is_asked_where_it_may_be(
    tmp_path: Path, files: AuthorityFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    config = load(configure(tmp_path, files, 1883, tmp_path))
    assert [each.as_posix() for each in places(config)] == [
        str(config.station.data / "status"),
        str(tmp_path / "run" / "status"),
        "/run/gatepost/status",
    ]
    with pytest.raises(DeviceAbsent, match="No such file"):
        ask_status(config)
    (tmp_path / "run").mkdir()
    with answering(tmp_path / "run" / "status", b'{"station": "gp-1", "pid": 7}\n'):
        assert ask_status(config)["pid"] == 7


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b'{"station": "gp-2"}\n', "station 'gp-2' answers"),
        (b"", "no answer of a station"),
        (b"[]\n", "no answer of a station"),
        (b"\xff\xfe\n", "no answer of a station"),
        (b"[" * 100_000 + b"\n", "no answer of a station"),
        (b"x" * 200_000, "no answer of a station"),
    ],
)
def test_what_answers_and_is_not_this_station_is_not_believed(
    tmp_path: Path,
    files: AuthorityFiles,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
    why: str,
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    config = load(configure(tmp_path, files, 1883, tmp_path))
    with answering(tmp_path / "status", answer), pytest.raises(DeviceAbsent, match=why):
        ask_status(config)
