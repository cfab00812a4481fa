"""The durable outbox on the card, and what is carried beside it."""

from gatepost.spool.aside import set_aside_before
from gatepost.spool.bundles import Bundle
from gatepost.spool.carried import FOLDER, Carried, Item
from gatepost.spool.chain import Head, Kept, check_chain
from gatepost.spool.database import FILE, VERSION
from gatepost.spool.exporting import export, export_carried
from gatepost.spool.flushes import Flushes
from gatepost.spool.importing import Imported, take
from gatepost.spool.locking import alone, locked
from gatepost.spool.looking import Look
from gatepost.spool.outbox import Spool
from gatepost.spool.places import room, volatile
from gatepost.spool.preparing import prepare, suspecting
from gatepost.spool.proving import Proved, check_signature, prove
from gatepost.spool.room import Limits

__all__ = [
    "FILE",
    "FOLDER",
    "VERSION",
    "Bundle",
    "Carried",
    "Flushes",
    "Head",
    "Imported",
    "Item",
    "Kept",
    "Limits",
    "Look",
    "Proved",
    "Spool",
    "alone",
    "check_chain",
    "check_signature",
    "export",
    "export_carried",
    "locked",
    "prepare",
    "prove",
    "room",
    "set_aside_before",
    "suspecting",
    "take",
    "volatile",
]
