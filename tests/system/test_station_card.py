"""The real daemon on a card that is only RAM, slow, full of errors, or read-only for a while."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from feeding import STATION, configure
from stations import Station, station

from brokers import free_port
from gatepost.demo import tearing
from gatepost.demo.authority import AuthorityFiles, make_authority
from gatepost.demo.gun import Gun
from gatepost.spool import FILE, Spool, volatile

RAM = Path("/dev/shm")  # noqa: S108 - the one place that is RAM everywhere
needs_a_card = pytest.mark.skipif(bool(tearing.unavailable()), reason=tearing.unavailable())


def code(number: int) -> str:
    return f"******{number:06}|NGUYEN VAN A|1989-**-**|0|QID{number:08x}|"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> AuthorityFiles:
    return make_authority(tmp_path_factory.mktemp("pki"), STATION)


@dataclass
class Gate:
    """A daemon without a broker, and its barcode reader."""

    config: Path
    gun: Gun
    daemon: Station
    seen: list[dict[str, Any]] = field(default_factory=list)

    def until(self, count: int, message: str = "lit", **told: str) -> list[dict[str, Any]]:
        """Wait for so many lines of the log; pytest's own limit ends it."""
        while True:
            found = [
                line
                for line in self.daemon.logged()
                if line["message"] == message and told.items() <= line.items()
            ]
            if len(found) >= count:
                return found
            self.daemon.notify.recv(256)  # it pings four times a second: no spinning

    def cues(self) -> list[str]:
        return [line["cue"] for line in self.daemon.logged() if line["message"] == "lit"]


@contextmanager
def gate(tmp_path: Path, files: AuthorityFiles, data: Path) -> Iterator[Gate]:
    with ExitStack() as stack:
        gun = stack.enter_context(Gun(tmp_path / "reader"))
        config = configure(tmp_path, files, free_port(), {"door": gun.link})
        text = config.read_text("utf-8")
        config.write_text(
            text.replace('data = "data"', f'data = "{data}"').replace("allow_volatile = true", ""),
            "utf-8",
        )
        daemon = stack.enter_context(station(config))
        daemon.hear("READY=1")
        found = Gate(config, gun, daemon)
        found.until(1, "reader there")
        yield found


@pytest.mark.skipif(volatile(RAM) != "tmpfs", reason="shared memory is no tmpfs here")
@pytest.mark.skipif(not os.access(RAM, os.W_OK), reason="shared memory is not ours")
def test_a_station_on_a_tmpfs_starts_and_refuses_everybody_in_red(
    tmp_path: Path, files: AuthorityFiles
) -> None:
    data = Path(tempfile.mkdtemp("-gatepost", dir=RAM))
    try:
        with gate(tmp_path, files, data) as found:
            found.gun.show(code(1))
            found.until(1, cue="trouble")
            assert found.until(1, "trouble", part="spool")[0]["what"] == "in RAM only"
            assert found.cues() == ["trouble"]
            assert found.daemon.stop() == 0
        assert not (data / FILE).exists()
    finally:
        shutil.rmtree(data)


@needs_a_card
def test_while_a_flush_takes_three_seconds_nobody_sees_green_and_the_next_code_is_not_lost(
    tmp_path: Path, files: AuthorityFiles
) -> None:
    with tearing.mounted(tmp_path / "mount") as cards:
        data = cards.disk("card")
        with gate(tmp_path, files, data) as found:
            cards.slow(3)
            found.gun.show(code(1))
            found.until(1, cue="pending")
            found.gun.show(code(2))
            assert "accepted" not in found.cues()
            lights = found.until(2, cue="accepted")
            assert lights[0]["after_ms"] >= 3000
            assert found.cues()[0] == "pending"
            cards.slow(0)
            assert found.daemon.stop() == 0
        with Spool(data / FILE) as spool:
            assert spool.verify() == spool.head().sequence >= 3


@needs_a_card
def test_a_flush_that_fails_is_never_green_and_the_next_start_loses_nothing(
    tmp_path: Path, files: AuthorityFiles
) -> None:
    with tearing.mounted(tmp_path / "mount") as cards:
        data = cards.disk("card")
        with gate(tmp_path, files, data) as found:
            found.gun.show(code(1))
            found.until(1, cue="accepted")
            cards.fail("fsync", errno.EIO, 1)
            found.gun.show(code(2))
            assert found.daemon.process.wait(20) == 1
            assert found.cues().count("accepted") == 1
            assert "disk I/O error" in found.daemon.lines()[-1]
        (tmp_path / "again").mkdir()
        with gate(tmp_path / "again", files, data) as found:
            found.gun.show(code(2))
            found.until(1, cue="accepted")
            assert found.daemon.stop() == 0
        with Spool(data / FILE) as spool:
            assert spool.verify() == spool.head().sequence >= 3


@needs_a_card
def test_a_card_that_cannot_be_read_is_answered_in_red_until_it_can(
    tmp_path: Path, files: AuthorityFiles
) -> None:
    with tearing.mounted(tmp_path / "mount") as cards:
        data = cards.disk("card")
        with gate(tmp_path, files, data) as found:
            found.gun.show(code(1))
            found.until(1, cue="accepted")
            assert found.daemon.stop() == 0
        cards.fail("read", errno.EIO, 1000)
        (tmp_path / "again").mkdir()
        with gate(tmp_path / "again", files, data) as found:
            found.gun.show(code(2))
            found.until(1, cue="trouble")
            assert found.until(1, "trouble", part="spool")[0]["what"] == "card fails"
            cards.fail("read", errno.EIO, 0)
            assert found.daemon.process.wait(25) == 1  # to be started anew, with its spool
            assert "starts anew" in found.daemon.lines()[-1]
        (tmp_path / "third").mkdir()
        with gate(tmp_path / "third", files, data) as found:
            found.gun.show(code(2))
            found.until(1, cue="accepted")
            assert found.daemon.stop() == 0
