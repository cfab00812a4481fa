"""Worker: the centre's signed word -> checked -> acted on, recorded and answered."""

from gatepost.commands.obeying import Acts
from gatepost.commands.worker import WAITING, Commands

__all__ = ["WAITING", "Acts", "Commands"]
