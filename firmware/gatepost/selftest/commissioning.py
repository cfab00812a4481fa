"""The commissioning report: what a technician found at a new station, signed by the station.

A JWS in the manner of checkpoints (decision 0003), so that whoever accepts the work can check
that it was this very station, and that nobody changed a word. It holds no visitor's data.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatepost import __version__
from gatepost.canonical import canonical
from gatepost.clock import SystemClock, boot_id
from gatepost.errors import ContractError, UsageError
from gatepost.keys import keys_of
from gatepost.signing import load_certificates, verify
from gatepost.timekeeping import stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatepost.config import Config
    from gatepost.model import Stamp
    from gatepost.selftest.findings import Finding
    from gatepost.signing import Signer

TYP = "gatepost-commissioning"
FOLDER = "reports"
_KEPT = 10
_MOST_NAME = 80
_MOST_TOLD = 300
_MODEL = Path("/proc/device-tree/model")
_SERIAL = Path("/proc/device-tree/serial-number")


@dataclass(frozen=True, slots=True)
class Report:
    """A commissioning report that was checked: who signed it, and what it says."""

    signer: str
    told: dict[str, Any]


def commissioning(
    config: Config,
    signer: Signer,
    findings: Sequence[Finding],
    by: str,
    now: Stamp,
    *,
    whole: bool = True,
) -> str:
    """The report as a JWS.

    Args:
        config: the station's.
        signer: its key.
        findings: of every part; one that was skipped makes the report incomplete.
        by: the technician's name as they gave it.
        now: when it was made.
        whole: every part was tried, with somebody who looked and listened.
    """
    told = {
        "station": config.station.id,
        "site": config.station.site,
        "firmware": __version__,
        "machine": _of_the_board(_MODEL),
        "serial": _of_the_board(_SERIAL),
        "by": by[:_MOST_NAME],
        "wall_us": now.wall_us,
        "clock": "synchronised" if now.synchronised else "unsynchronised",
        "boot_id": now.boot_id,
        "ok": all(each.ok for each in findings),
        "complete": whole and not any(each.skipped for each in findings),
        "readers": [f"{each.name} ({each.direction})" for each in config.reader],
        "findings": [
            {**each.told_to_machines(), "told": each.told[:_MOST_TOLD]} for each in findings
        ],
    }
    return signer.sign(canonical(told), TYP)


def sign(
    config: Config, findings: Sequence[Finding], by: str, *, whole: bool, path: Path | None = None
) -> Path:
    """Sign the report of now and keep it; returns where.

    Raises ConfigError where the station's keys cannot sign, UsageError where it cannot be written.
    """
    signer, _ = keys_of(config)
    now = stamp(SystemClock(), boot_id())
    return keep(config, commissioning(config, signer, findings, by, now, whole=whole), now, path)


def keep(config: Config, token: str, now: Stamp, path: Path | None = None) -> Path:
    """Write the report down, flushed. In the data folder ten stay: this one and the newest.

    Raises UsageError where it cannot be written.
    """
    folder = config.station.data / FOLDER
    path = path or folder / f"commissioning-{now.wall_us // 1_000_000}.jws"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("w", encoding="ascii") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
        kept = sorted(each for each in folder.glob("commissioning-*.jws") if each != path)
        for old in kept[
            : (path.parent == folder) - _KEPT
        ]:  # this one stays, whatever the clock says
            old.unlink()
    except OSError as error:
        raise UsageError(f"{path}: the report cannot be written: {error.strerror}") from error
    return path


def checked(path: Path, authority: Path) -> Report:
    """A report that somebody was given. Raises UsageError, KeyMaterialError, ContractError."""
    try:
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: no report can be read: {error}") from error
    # Whenever: it is looked at years later, and says itself when it was made.
    signed = verify(token, TYP, load_certificates(authority), None)
    told = json.loads(signed.payload)
    if not isinstance(told, dict) or told.get("station") != signed.signer:
        raise ContractError("the report is of another station than the one that signed it")
    return Report(signed.signer, told)


def _of_the_board(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip("\0\n ")[:_MOST_NAME]
    except OSError:
        return ""
