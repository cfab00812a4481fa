"""Rules and trust lists that come from the centre: signed, versioned, whole or not at all.

What was taken is kept on the card and checked again when it is read; an older one never
takes its place.
"""

from gatepost.desired.centre import Centre, Desire, When, centre_of
from gatepost.desired.checking import Desired, Refused, check, payload_of
from gatepost.desired.holding import FOLDER, Held, NotKept
from gatepost.desired.orders import Order

__all__ = [
    "FOLDER",
    "Centre",
    "Desire",
    "Desired",
    "Held",
    "NotKept",
    "Order",
    "Refused",
    "When",
    "centre_of",
    "check",
    "payload_of",
]
