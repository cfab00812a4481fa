"""gatepost: the firmware of an unattended scanner station for gates."""

__version__ = "0.2.0"
