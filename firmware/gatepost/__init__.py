"""gatepost: the firmware of an unattended scanner station for gates."""
