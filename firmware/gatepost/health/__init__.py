"""What the station knows of itself and of the machine that it runs on.

The worker tells it each minute, and notes what a technician should see to; `brief` is the same in
four short lines, for a small screen. Whatever is not known is left out.
"""

from gatepost.health.machine import Machine, Roots
from gatepost.health.rates import Rates
from gatepost.health.short import brief
from gatepost.health.telling import Delivery, delivery
from gatepost.health.worker import Health

__all__ = ["Delivery", "Health", "Machine", "Rates", "Roots", "brief", "delivery"]
