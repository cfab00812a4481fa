"""What governs the demo's station: the gate's rules, and a trust list that the centre signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatepost.clock import SystemClock
from gatepost.demo.broker import HOST
from gatepost.demo.issuers import RULES, Issuers
from gatepost.desired import FOLDER, Centre, Desire, Held
from gatepost.signing import Signer, load_certificates

if TYPE_CHECKING:
    from pathlib import Path

    from gatepost.demo.authority import AuthorityFiles

STATION, SITE = "gp-demo-1", "demo-office"


def govern(folder: Path, files: AuthorityFiles, seed: int) -> None:
    """Write rules and trust list into `folder`, and keep them in its `data` as a station does."""
    (folder / "rules.toml").write_text(RULES, "utf-8")
    trusted = Issuers(seed).trust_list()
    (folder / "trust.json").write_bytes(trusted)
    signer = Signer(files.central_certificate, files.central_key)
    token = signer.sign(trusted, Desire.TRUST.typ).encode("ascii")
    (folder / "trust.jws").write_bytes(token)
    centre = Centre(tuple(load_certificates(files.ca)), signer.name, STATION, SITE)
    held = Held(folder / "data" / FOLDER, centre)
    held.take(token, Desire.TRUST, held.when(SystemClock()))


def common(files: AuthorityFiles, folder: Path, port: int, haste: str = "") -> str:
    """The demo's configuration but for its reader and its panel; it ends within [central].

    `haste`: one more line about the broker.
    """

    def near(path: Path) -> str:
        return str(path.relative_to(folder))

    return f"""\
[station]
id = "{STATION}"
site = "{SITE}"
data = "data"
certificate = "{near(files.station_certificate)}"
key = "{near(files.station_key)}"

[gate]
rules = "rules.toml"

[spool]
allow_volatile = true      # a demo's folder may be in RAM

[log]
format = "json"

[broker]
host = "{HOST}"
port = {port}
ca = "{near(files.ca)}"
{haste}
[central]
sealing_key = "{near(files.sealing_public)}"
authority = "{near(files.ca)}"      # of whoever signs rules and trust lists
"""
