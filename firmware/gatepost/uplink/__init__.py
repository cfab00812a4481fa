"""Worker: spool -> broker -> delivered; and what the centre asks to be sent again."""

from gatepost.uplink.calling import Calling
from gatepost.uplink.facts import Backoff, UplinkFacts
from gatepost.uplink.worker import Uplink

__all__ = ["Backoff", "Calling", "Uplink", "UplinkFacts"]
