import io
import logging
import socket
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from gatepost.logs import set_up
from gatepost.supervisor import Supervisor, Worker, systemd_notifier


class Log:
    """What the supervisor told systemd, and what the workers did."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.done: list[str] = []
        self.beaten = threading.Event()
        self.watched = threading.Event()
        self.ready = threading.Event()

    def tell(self, state: str) -> None:
        self.told.append(state)
        if state == "WATCHDOG=1":
            self.watched.set()
        if state == "READY=1":
            self.ready.set()

    def steady(self, name: str) -> Worker:
        def work() -> Generator[None, None, None]:
            try:
                while True:
                    yield
                    self.beaten.set()
                    threading.Event().wait(0.01)
            finally:
                self.done.append(name)

        return Worker(name, work, 5)


def test_it_stops_group_by_group_and_says_so() -> None:
    log, stop = Log(), threading.Event()
    supervisor = Supervisor([[log.steady("first")], [log.steady("last")]], log.tell, (1, 2))
    runner = threading.Thread(target=supervisor.run, args=(stop.is_set,))
    runner.start()
    assert log.beaten.wait(5)
    assert log.watched.wait(5)
    stop.set()
    runner.join(5)
    assert log.done == ["first", "last"]
    assert log.told[-1] == "STOPPING=1"
    assert log.told.count("READY=1") == 1
    assert "WATCHDOG=1" in log.told


def test_the_first_failure_wins_and_stops_all() -> None:
    log = Log()

    def failing() -> Generator[None, None, None]:
        yield
        raise OSError("the card is gone")

    supervisor = Supervisor([[log.steady("other")], [Worker("bad", failing, 5)]], log.tell, (1, 2))
    reason = supervisor.run(lambda: False)
    assert reason == "worker bad failed: OSError: the card is gone"
    assert log.done == ["other"]


def test_a_worker_that_ends_by_itself_is_a_failure() -> None:
    def short() -> Generator[None, None, None]:
        yield

    reason = Supervisor([[Worker("short", short, 5)]], lambda _: None, (1,)).run(lambda: False)
    assert reason == "worker short ended by itself"


def test_a_worker_that_cannot_begin_is_a_failure() -> None:
    def broken() -> Generator[None, None, None]:
        raise ValueError("no such pin")
        yield

    reason = Supervisor([[Worker("lamp", broken, 5)]], lambda _: None, (1,)).run(lambda: False)
    assert reason == "worker lamp failed: ValueError at test_supervisor.py:82"


def test_a_worker_without_a_heartbeat_stops_the_watchdog_and_the_station() -> None:
    log, release = Log(), threading.Event()

    def stuck() -> Generator[None, None, None]:
        yield
        release.wait(20)
        yield

    groups = [[Worker("stuck", stuck, 0.2)]]
    reason = Supervisor(groups, log.tell, (0.1,)).run(lambda: False)
    release.set()
    assert reason == "worker stuck gave no heartbeat for 0.2 s"
    assert log.told.count("WATCHDOG=1") <= 3


def test_a_worker_that_will_not_stop_is_named() -> None:
    release, stop, began = threading.Event(), threading.Event(), threading.Event()

    def stubborn() -> Generator[None, None, None]:
        try:
            while True:
                yield
                began.set()
        finally:
            release.wait(20)

    supervisor = Supervisor([[Worker("mule", stubborn, 5)]], lambda _: None, (0.1,))
    threading.Thread(target=lambda: (began.wait(5), stop.set())).start()
    reason = supervisor.run(stop.is_set)
    release.set()
    assert reason == "workers would not stop: mule"


def test_systemd_is_told_over_its_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(5)
        systemd_notifier(str(tmp_path / "notify"))("READY=1")
        assert systemd.recv(64) == b"READY=1"
    systemd_notifier("")("READY=1")  # without systemd: nothing


def test_it_is_ready_only_when_every_worker_has_begun() -> None:
    log, begin = Log(), threading.Event()

    def slow() -> Generator[None, None, None]:
        begin.wait(20)
        yield from forever()

    def forever() -> Generator[None, None, None]:
        while True:
            threading.Event().wait(0.01)
            yield

    supervisor = Supervisor([[Worker("slow", slow, 5)]], log.tell, (1,))
    stop = threading.Event()
    runner = threading.Thread(target=supervisor.run, args=(stop.is_set,))
    runner.start()
    assert log.watched.wait(5)
    assert "READY=1" not in log.told
    begin.set()
    assert log.ready.wait(5)
    stop.set()
    runner.join(5)


def test_one_that_may_linger_is_no_failure() -> None:
    release, stop, began = threading.Event(), threading.Event(), threading.Event()

    def connecting() -> Generator[None, None, None]:
        yield
        began.set()
        release.wait(20)
        yield

    worker = Worker("uplink", connecting, 30, may_linger=True)
    supervisor = Supervisor([[worker]], lambda _: None, (0.1,))
    threading.Thread(target=lambda: (began.wait(5), stop.set())).start()
    assert supervisor.run(stop.is_set) is None
    release.set()


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_an_error_quotes_reaches_no_log(form: str) -> None:
    def bad() -> Generator[None, None, None]:
        yield
        int("001099012345|NGUYEN VAN A")

    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = list(root.handlers), root.level
    set_up(form, "debug", stream)
    try:
        assert Supervisor([[Worker("deciding", bad, 5)]], lambda _: None, (1,)).run(lambda: False)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.getLogger("gatepost").setLevel(logging.NOTSET)
    assert "worker failed" in stream.getvalue()
    assert "001099012345" not in stream.getvalue()


class Kept:
    """What a run tells its watch, in order, with where the stuck ones were at that moment."""

    def __init__(self) -> None:
        self.told: list[tuple[str, BaseException | None]] = []
        self.alive: list[str] = []
        self.ends: list[float] = []

    def record(self, reason: str, error: BaseException | None = None) -> None:
        self.told.append((reason, error))
        self.alive = [each.name for each in threading.enumerate()]

    def end_unless(self, seconds: float) -> None:
        self.ends.append(seconds)


def test_a_failure_is_kept_before_anything_is_stopped() -> None:
    log, watch, error = Log(), Kept(), OSError("the card is gone")

    def failing() -> Generator[None, None, None]:
        yield
        raise error

    groups = [[log.steady("other")], [Worker("bad", failing, 5)]]
    Supervisor(groups, log.tell, (1, 2), watch).run(lambda: False)
    assert watch.told == [("worker bad failed: OSError: the card is gone", error)]
    assert "other" in watch.alive


def test_one_that_hangs_is_kept_while_it_hangs() -> None:
    watch, release = Kept(), threading.Event()

    def stuck() -> Generator[None, None, None]:
        yield
        release.wait(20)
        yield

    Supervisor([[Worker("stuck", stuck, 0.2)]], lambda _: None, (0.1,), watch).run(lambda: False)
    release.set()
    assert watch.told == [("worker stuck gave no heartbeat for 0.2 s", None)]
    assert "stuck" in watch.alive


def test_a_failure_while_stopping_is_kept_too() -> None:
    watch, stop, began = Kept(), threading.Event(), threading.Event()

    def late() -> Generator[None, None, None]:
        try:
            while True:
                yield
                began.set()
        finally:
            raise OSError("not flushed")

    threading.Thread(target=lambda: (began.wait(5), stop.set())).start()
    supervisor = Supervisor([[Worker("late", late, 5)]], lambda _: None, (1,), watch)
    assert supervisor.run(stop.is_set) == "worker late failed: OSError: not flushed"
    assert [reason for reason, _ in watch.told] == ["worker late failed: OSError: not flushed"]


def test_a_clean_stop_keeps_nothing_and_is_bounded() -> None:
    log, watch, stop = Log(), Kept(), threading.Event()
    supervisor = Supervisor([[log.steady("only")]], log.tell, (1,), watch)
    threading.Thread(target=lambda: (log.watched.wait(5), stop.set())).start()
    assert supervisor.run(stop.is_set) is None
    assert watch.told == []
    assert watch.ends[0] > 10  # from before the first worker on, longer than systemd waits
    assert 1 < watch.ends[-1] < 5  # while it stops: its time, and some to spare
