"""`gatepost-central watch` beside a fleet: what it proves, and what it was told to keep."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatepost.errors import GatepostError

if TYPE_CHECKING:
    from pathlib import Path

    from fleet_keys import Pair

_PROGRAM = "import sys; from gatepost.central.cli import main; sys.exit(main(sys.argv[1:]))"
_END_S = 60.0


@dataclass(frozen=True, slots=True)
class Watching:
    """Where the broker is, and as whom to watch; the state outlives each watch."""

    port: int
    ca: Path
    own: Pair
    tls: bool
    folder: Path

    def start(self, *more: str) -> Watch:
        """A watch that runs until it is ended, or until what `more` says."""
        command = [sys.executable, "-c", _PROGRAM, "watch", "--port", str(self.port)]
        command += ["--authority", str(self.ca), "--client-id", "central", "--json"]
        command += ["--state", str(self.folder / "central.db")]
        pair = (str(self.own.certificate), str(self.own.key))
        command += ["--sign-certificate", pair[0], "--sign-key", pair[1]]
        if self.tls:
            command += ["--ca", str(self.ca), "--certificate", pair[0], "--key", pair[1]]
        return Watch([*command, *more], self.folder)


class Watch:
    """One run of it."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._lines = folder / "watch.jsonl"
        self._said = folder / "watch.log"
        with self._lines.open("wb") as lines, self._said.open("ab") as said:
            self._process = subprocess.Popen(command, stdout=lines, stderr=said)

    def end(self) -> dict[str, Any]:
        """Interrupt it; its summary."""
        self._process.send_signal(signal.SIGINT)
        return self.wait(_END_S)

    def wait(self, limit_s: float) -> dict[str, Any]:
        """Let it end by itself; its summary, with its exit `status`. Raises GatepostError."""
        try:
            status = self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGINT)
            status = self._process.wait(_END_S)
        told = self._lines.read_bytes().splitlines()
        if not told or b'"summary"' not in told[-1]:
            said = self._said.read_text("utf-8", "replace")[-1000:]
            raise GatepostError(f"gatepost-central watch ended without a summary: {said}")
        return {**json.loads(told[-1]), "status": status, "kinds": _kinds(told[:-1])}

    def kill(self) -> None:
        """End it, if it runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def _kinds(lines: list[bytes]) -> dict[str, int]:
    """How many findings there are of each kind."""
    counts: dict[str, int] = {}
    for line in lines:
        kind = str(json.loads(line)["kind"])
        counts[kind] = counts.get(kind, 0) + 1
    return counts
