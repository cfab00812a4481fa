"""What is remembered of crashes and unclean stops, a bounded record each, and told once.

Where it comes from: the supervisor's failure, exceptions that nobody took, Python's own report
of a fatal signal, and at the next start the marker of a run that never came to its end. All in
`<data>/crashes`; the log's last lines are kept in RAM, in the runtime folder, for cards wear.
No local variables, no texts of foreign exceptions: no visitor's data.
"""

from gatepost.crashes.hooks import hooked
from gatepost.crashes.marker import stopped
from gatepost.crashes.records import FOLDER, Crash
from gatepost.crashes.store import Store
from gatepost.crashes.watching import Crashes, begin

__all__ = ["FOLDER", "Crash", "Crashes", "Store", "begin", "hooked", "stopped"]
