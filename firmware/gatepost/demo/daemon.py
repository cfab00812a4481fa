"""The real daemon as a process of its own, and what its log told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from gatepost.errors import GatepostError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STOP_S = 10.0


@dataclass(slots=True)
class Daemon:
    """`gatepost run`, with its JSON log read as it grows."""

    process: subprocess.Popen[bytes]
    log: Path
    lines: list[dict[str, Any]] = field(default_factory=list)
    _offset: int = 0
    _rest: bytes = b""

    def read_log(self) -> list[dict[str, Any]]:
        """Everything that it has logged so far."""
        with self.log.open("rb") as log:
            log.seek(self._offset)
            new = log.read()
        self._offset += len(new)
        *whole, self._rest = (self._rest + new).split(b"\n")
        self.lines += [_parsed(line) for line in whole]
        return self.lines

    def said(self, message: str) -> list[dict[str, Any]]:
        """The log's lines with this message, so far."""
        return [line for line in self.read_log() if line["message"] == message]

    def check(self) -> None:
        """Raises GatepostError with its last words when it has ended."""
        if self.process.poll() is None:
            return
        words = "\n".join(str(line["message"]) for line in self.read_log()[-5:])
        raise GatepostError(f"the daemon ended with status {self.process.returncode}:\n{words}")

    def stop(self) -> int:
        """Ask it to stop and wait; returns its exit status. Raises GatepostError."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired as error:
            raise GatepostError(f"the daemon did not stop within {_STOP_S:g} s") from error


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError:
        told = None
    if isinstance(told, dict) and "message" in told:
        return told
    return {"message": line.decode("utf-8", "replace")}  # a failure's reason, in plain words


@contextmanager
def daemon(config: Path, log: Path, panel: IO[str] | None) -> Iterator[Daemon]:
    """Run the daemon on `config`; its virtual panel is drawn to `panel`."""
    command = [sys.executable, "-m", "gatepost", "run", "--config", str(config)]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=panel or subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        yield Daemon(process, log)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let it put out its panel and give the terminal its cursor back; else end it all the same."""
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
