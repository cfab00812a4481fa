"""The local status socket: the running station answers whoever asks on the machine itself.

A unix stream socket, `$RUNTIME_DIRECTORY/status` under systemd (systemd.exec(5)), else `status` in
the data folder. A connection is given one line of JSON and is closed: `socat - UNIX:/run/
gatepost/status` shows it. It holds nothing of any visitor.
"""

from gatepost.status.asking import ask_status, place, places
from gatepost.status.serving import Serving

__all__ = ["Serving", "ask_status", "place", "places"]
