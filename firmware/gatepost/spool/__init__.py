"""The durable outbox on the card."""

from gatepost.spool.database import FILE
from gatepost.spool.outbox import Head, Kept, Spool, check_chain
from gatepost.spool.preparing import locked, prepare, suspecting

__all__ = ["FILE", "Head", "Kept", "Spool", "check_chain", "locked", "prepare", "suspecting"]
