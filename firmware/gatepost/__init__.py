"""gatepost: the firmware of an unattended scanner station for gates."""

__version__ = "0.2.0"
__released__ = "2026-11-24"  # no clock of a station that runs this can be before it: its floor
