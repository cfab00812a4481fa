"""mosquitto for a fleet: persistent, with mutual TLS or in the clear, killed and started again."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from gatepost.demo.broker import HOST, MOSQUITTO, BrokerProcess, free_port

if TYPE_CHECKING:
    from pathlib import Path

    from fleet_keys import Pair

_ACL = (
    "user central\ntopic readwrite gatepost/#\n\npattern write gatepost/v1/+/%u/#\n"
    "pattern read gatepost/v1/+/%u/command/#\npattern read gatepost/v1/+/%u/desired/#\n"
    "pattern read gatepost/v1/+/_all/desired/#\n"
)
# A thousand stations that come back say more at once than the 1,000 messages that mosquitto queues
# for a subscriber; the rest it drops, and tells nobody. And with 20 in flight a centre that
# acknowledges only what it has stored would flush for every 20.
_CENTRAL = ["max_queued_messages 0", "max_inflight_messages 200"]


class FleetBroker:
    """See the module. `up_at`: when it took connections again, seconds of time.monotonic."""

    def __init__(self, folder: Path, ca: Path, own: Pair | None) -> None:
        self.port = free_port()
        self.up_at = 0.0
        config, acl = folder / "mosquitto.conf", folder / "acl"
        acl.write_text(_ACL, "utf-8")
        acl.chmod(0o700)  # newer mosquittos insist
        lines = ["persistence true", f"persistence_location {folder}/", "log_dest stderr"]
        lines += ["log_type error", "log_type warning", "max_keepalive 65535", *_CENTRAL]
        lines += ["user root"] if os.geteuid() == 0 else []
        lines += [f"listener {self.port} {HOST}", *(_tls(ca, own, acl) if own else _CLEAR)]
        config.write_text("\n".join([*lines, ""]), "utf-8")
        command = [MOSQUITTO or "mosquitto", "-c", str(config)]
        self._process = BrokerProcess(command, folder / "broker.log", self.port)

    def start(self) -> None:
        """Start it and wait until it takes connections. Raises BrokerError."""
        self._process.start()
        self.up_at = time.monotonic()

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()

    def end(self) -> None:
        """Let it come to its end."""
        self._process.end()


_CLEAR = ["allow_anonymous true"]


def _tls(ca: Path, own: Pair, acl: Path) -> list[str]:
    return [
        f"cafile {ca}",
        f"certfile {own.certificate}",
        f"keyfile {own.key}",
        "require_certificate true",
        "use_identity_as_username true",
        f"acl_file {acl}",
    ]
