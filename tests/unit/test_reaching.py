import socket

import pytest

from gatepost.drivers.reaching import reach
from gatepost.errors import BrokerError

NO_FAMILY = 99  # as AF_INET6 is to a kernel with ipv6.disable=1


def test_a_family_that_the_kernel_lacks_does_not_keep_us_from_the_next_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = server.getsockname()
        with reach([(NO_FAMILY, ("::1", here[1], 0, 0)), (socket.AF_INET, here)], 2) as link:
            assert link.getpeername() == here


def test_where_it_is_the_only_one_it_is_told_as_what_it_is() -> None:
    with pytest.raises(BrokerError, match="not supported"):
        reach([(NO_FAMILY, ("::1", 1883, 0, 0))], 2)
