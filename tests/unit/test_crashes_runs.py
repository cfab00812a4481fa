"""How a run ended, as the next one finds it. What ends is a process of its own."""

import faulthandler
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fakes import BOOT, FakeClock
from gatepost.crashes import FOLDER, Crash, Crashes, Store, begin, hooked, native, ring, stopped
from gatepost.crashes.stacks import stacks
from gatepost.errors import SpoolError
from gatepost.model import FaultRecord
from gatepost.timekeeping import stamp

OTHER = "c" * 32
PROGRAM = """
import ctypes, os, signal, sys, threading, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from fakes import BOOT, FakeClock
from gatepost.crashes import begin
from gatepost.timekeeping import stamp

def deep():
    {body}

crashes = begin(Path({data!r}), BOOT, "1.0", lambda: stamp(FakeClock(), BOOT))
crashes.ring.write("2026-01-01T00:00:00.000Z info starting station=gp-1")
deep()
"""


@pytest.fixture(autouse=True)
def _own_faulthandler() -> Iterator[None]:
    """What `begin` sets up for a process is not to stay in that of the tests."""
    yield
    faulthandler.cancel_dump_traceback_later()
    faulthandler.enable(file=sys.__stderr__)


def life(data: Path, body: str, runtime: Path | None = None, **environ: str) -> int:
    """A process that begins on `data` and then does `body`; returns how it ended."""
    tests = str(Path(__file__).parents[1])
    program = PROGRAM.format(tests=tests, data=str(data), body=body)
    env = {**os.environ, **environ}
    if runtime is not None:
        env["RUNTIME_DIRECTORY"] = str(runtime)
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, timeout=30, capture_output=True, check=False
    )
    return done.returncode


def next_start(data: Path, boot: str = BOOT, runtime: Path | None = None) -> Crashes:
    environ = {} if runtime is None else {"RUNTIME_DIRECTORY": str(runtime)}
    return begin(data, boot, "1.1", lambda: stamp(FakeClock(), boot), environ)


def kept(crashes: Crashes) -> list[Crash]:
    return crashes._store.all()


def only(crashes: Crashes) -> Crash:
    (crash,) = kept(crashes)
    return crash


def test_a_clean_end_leaves_nothing(tmp_path: Path) -> None:
    assert life(tmp_path, "crashes.ended()") == 0
    assert kept(next_start(tmp_path)) == []


def test_a_kill_is_found(tmp_path: Path) -> None:
    assert life(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)") == -signal.SIGKILL
    crash = only(next_start(tmp_path))
    assert crash.reason == "killed: by SIGKILL, or out of memory"
    assert (crash.version, crash.boot_id, crash.found) == ("1.0", BOOT, True)


def test_a_kill_keeps_the_log_in_the_runtime_folder(tmp_path: Path) -> None:
    runtime = tmp_path / "run"
    runtime.mkdir()
    life(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)", runtime)
    crash = only(next_start(tmp_path, runtime=runtime))
    assert crash.log == ("2026-01-01T00:00:00.000Z info starting station=gp-1",)


def test_a_power_cut_is_told_from_a_kill_by_the_boot(tmp_path: Path) -> None:
    life(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    crash = only(next_start(tmp_path, boot=OTHER))
    assert (crash.reason, crash.boot_id) == ("power cut or reset", BOOT)


@pytest.mark.parametrize(("body", "reason"), [
    ("ctypes.string_at(0)", "signal SIGSEGV at ctypes/__init__.py:"),
    ("os.abort()", "signal SIGABRT at "),
    ("os.kill(os.getpid(), signal.SIGBUS)", "signal SIGBUS at "),
])  # fmt: skip
def test_a_fatal_signal_is_kept_with_the_calls_that_led_to_it(
    tmp_path: Path, body: str, reason: str
) -> None:
    assert life(tmp_path, body) < 0
    crash = only(next_start(tmp_path))
    assert crash.reason.startswith(reason)
    name, calls = crash.threads[0]
    assert name == "the one that crashed"
    assert any(each.endswith(":deep") for each in calls)


def test_a_thread_that_keeps_the_gil_is_ended_all_the_same(tmp_path: Path) -> None:
    body = "crashes.end_unless(0.2); ctypes.PyDLL(None).usleep(20_000_000)"
    assert life(tmp_path, body) == 1
    crash = only(next_start(tmp_path))
    assert crash.reason == "hung: the main thread came to nothing within 0.2 s"
    assert any(each.endswith(":deep") for _, calls in crash.threads for each in calls)


def test_one_that_turns_is_not_ended(tmp_path: Path) -> None:
    body = "crashes.end_unless(20); crashes.end_unless(0); crashes.ended()"
    assert life(tmp_path, body) == 0
    assert kept(next_start(tmp_path)) == []


def test_a_failure_that_was_recorded_is_no_unclean_stop_too(tmp_path: Path) -> None:
    life(tmp_path, 'crashes.record("worker door gave no heartbeat for 5 s"); os._exit(1)')
    crash = only(next_start(tmp_path))
    assert (crash.reason, crash.found) == ("worker door gave no heartbeat for 5 s", False)
    assert any(each.endswith(":deep") for _, calls in crash.threads for each in calls)
    assert crash.log == ("2026-01-01T00:00:00.000Z info starting station=gp-1",)


@pytest.mark.parametrize(("result", "code", "status", "reason"), [
    ("watchdog", "dumped", "ABRT", "watchdog: no sign of life, ended by systemd"),
    ("oom-kill", "killed", "KILL", "oom-kill: out of memory, or over its limit"),
    ("signal", "killed", "KILL", "signal SIGKILL"),
    ("core-dump", "dumped", "SEGV", "signal SIGSEGV"),
    ("timeout", "killed", "KILL", "timeout: did not start or stop in time, ended by systemd"),
    ("exit-code", "exited", "3", "ended with status 3 and no word"),
    ("something-new", "exited", "3", "unclean stop: something-new"),
    ("\n'; <b>", "", "", "killed: by SIGKILL, or out of memory"),
])  # fmt: skip
def test_what_systemd_says_refines_it(
    tmp_path: Path, result: str, code: str, status: str, reason: str
) -> None:
    life(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)", INVOCATION_ID="f" * 32)
    told = {"SERVICE_RESULT": result, "EXIT_CODE": code, "EXIT_STATUS": status}
    stopped(tmp_path, told | {"INVOCATION_ID": "f" * 32})
    assert only(next_start(tmp_path)).reason == reason


def test_a_stop_that_was_asked_for_while_it_started_is_no_crash(tmp_path: Path) -> None:
    life(tmp_path, "os.kill(os.getpid(), signal.SIGTERM)")
    stopped(tmp_path, {"SERVICE_RESULT": "success", "EXIT_CODE": "killed", "EXIT_STATUS": "TERM"})
    assert kept(next_start(tmp_path)) == []


def test_a_note_of_another_run_says_nothing(tmp_path: Path) -> None:
    life(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)", INVOCATION_ID="f" * 32)
    stopped(tmp_path, {"SERVICE_RESULT": "success", "INVOCATION_ID": "e" * 32})
    assert only(next_start(tmp_path)).reason == "killed: by SIGKILL, or out of memory"


def test_a_note_after_an_end_that_said_why_is_none(tmp_path: Path) -> None:
    life(tmp_path, 'crashes.record("why"); os._exit(1)')
    stopped(tmp_path, {"SERVICE_RESULT": "exit-code", "EXIT_CODE": "exited", "EXIT_STATUS": "1"})
    assert only(next_start(tmp_path)).reason == "why"
    stopped(tmp_path / "not there", {"SERVICE_RESULT": "exit-code"})


def test_a_card_that_cannot_be_asked_is_told_and_nothing_is_raised(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stopped(tmp_path / ("x" * 300), {"SERVICE_RESULT": "exit-code"})  # as EIO: not even lstat()
    assert "the stop is not noted" in caplog.text


def test_the_watchdogs_abort_is_the_watchdogs(tmp_path: Path) -> None:
    life(tmp_path, "os.abort()")
    stopped(tmp_path, {"SERVICE_RESULT": "watchdog", "EXIT_CODE": "dumped", "EXIT_STATUS": "ABRT"})
    crash = only(next_start(tmp_path))
    assert crash.reason == "watchdog: no sign of life, ended by systemd"
    assert any(each.endswith(":deep") for _, calls in crash.threads for each in calls)


@pytest.mark.parametrize("content", [b"", b"\0" * 400, b"{", b"[]", b'{"began": 1}', b"\xff"])
def test_a_damaged_marker_is_an_unclean_stop(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "running").write_bytes(content)
    assert only(next_start(tmp_path)).reason == "unclean stop: its marker is damaged"


def test_what_was_found_is_found_once(tmp_path: Path) -> None:
    life(tmp_path, "os.abort()")
    next_start(tmp_path).ended()
    crashes = next_start(tmp_path)
    assert len(kept(crashes)) == 1
    now = stamp(FakeClock(), BOOT)
    (record,) = crashes.due(now)
    assert crashes.waiting() == 1
    crashes.kept(record, now)
    assert crashes.waiting() == 0
    assert crashes.due(now) == []


@contextmanager
def full_card() -> Iterator[None]:
    """Every write of this process fails, as on a full card (setrlimit(2): EFBIG)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def details(crashes: Crashes) -> list[str]:
    due = crashes.due(stamp(FakeClock(), BOOT))
    return [each.detail for each in due if isinstance(each, FaultRecord)]


def test_a_full_card_stops_no_start_and_hides_no_crash(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    life(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    told = ["killed: by SIGKILL, or out of memory; version 1.0"]
    with full_card():
        assert details(next_start(tmp_path)) == told
        crashes = next_start(tmp_path)  # killed as well: it could not even say that it ran
        assert details(crashes) == told
        crashes.record("worker door failed")
    assert "a crash cannot be kept" in caplog.text


def test_with_room_again_what_was_found_is_kept(tmp_path: Path) -> None:
    life(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    with full_card():
        next_start(tmp_path)
    assert only(next_start(tmp_path)).reason == "killed: by SIGKILL, or out of memory"


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="no sysfs, where nothing is made")
def test_where_nothing_can_be_written_it_starts_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    crashes = next_start(Path("/sys/kernel"))
    for told in ("crashes cannot be kept", "a crash would go unnoticed", "in the log alone"):
        assert told in caplog.text
    crashes.record("worker door failed")
    assert details(crashes) == ["worker door failed; version 1.1"]
    crashes.ended()


def test_where_there_is_a_file_instead_of_the_folder_it_starts(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_bytes(b"")
    crashes = next_start(tmp_path)
    crashes.record("why")
    assert [each.reason for each in kept(crashes)] == ["why"]


def test_a_card_that_hangs_holds_up_no_stop(tmp_path: Path) -> None:
    crashes = next_start(tmp_path)
    stuck = tmp_path / FOLDER / "000001.json.new"
    os.mkfifo(stuck)  # opening it waits for a reader that does not come
    crashes.card_s = 0.05
    crashes.record("why")
    (keeper,) = (each for each in threading.enumerate() if each.name == "crashes")
    assert keeper.is_alive()
    with stuck.open("rb"):
        keeper.join(10)


def test_a_record_has_no_value_of_what_was_read(tmp_path: Path) -> None:
    crashes = next_start(tmp_path)
    secret = "001099012345|NGUYEN VAN A"  # a local, and in the error's text
    try:
        int(secret)
    except ValueError as error:
        crashes.record("worker deciding failed: ValueError at x.py:1", error)
    (path,) = (tmp_path / FOLDER).glob("0*.json")
    assert "001099012345" not in path.read_text("utf-8")
    assert only(crashes).threads[0][0] == "what failed"
    assert only(crashes).threads[0][1][0].startswith("unit/test_crashes_runs.py:")


def test_two_of_one_reason_days_apart_are_told_once_each(tmp_path: Path) -> None:
    now = stamp(FakeClock(), BOOT)
    (tmp_path / FOLDER).mkdir()
    for days in (3, 0):
        when = replace(now, wall_us=now.wall_us - days * 86_400_000_000)
        Store(tmp_path / FOLDER).add(Crash("why", "1.0", BOOT, 1, when, when))
    crashes = next_start(tmp_path)
    due = crashes.due(now)
    assert len(due) == 2
    for each in due:
        crashes.kept(each, now)
    assert crashes.due(now) == []


def test_a_signal_that_a_full_card_could_not_keep_is_found_by_the_next_start(
    tmp_path: Path,
) -> None:
    life(tmp_path, "os.abort()")
    with full_card():
        next_start(tmp_path)
    crash = only(next_start(tmp_path))
    assert crash.reason.startswith("signal SIGABRT at ")
    assert any(each.endswith(":deep") for _, calls in crash.threads for each in calls)


# Clean-up comes in the middle of anything: here of what holds the lock of the ring, or the store's.
WITHIN = """
class Bad:
    def __del__(self):
        raise ValueError

def once(bad=[Bad]):
    return bad and bad.pop()()  # and it is gone again

class Memory:
    def __init__(self, real):
        self.real = real
    def __getitem__(self, place):
        return self.real[place]
    def __setitem__(self, place, value):
        once()
        self.real[place] = value

class Records(dict):
    def __setitem__(self, name, crash):
        Bad()
        super().__setitem__(name, crash)

def deep():
    from gatepost.crashes import hooked
    from gatepost.logs import keep_last
    keep_last(crashes.ring.write)
    crashes.ring._memory = Memory(crashes.ring._memory)
    crashes._store._crashes = Records()
    with hooked(crashes):
        crashes.ring.write("a line")
        crashes.record("why")
    os._exit(0)
"""


def test_clean_up_that_fails_while_a_crash_is_kept_holds_nothing_up(tmp_path: Path) -> None:
    body = "pass\n" + WITHIN
    assert life(tmp_path, body) == 0
    reasons = {each.reason.partition(" at ")[0] for each in kept(next_start(tmp_path))}
    assert reasons == {"why", "clean-up failed: ValueError"}


class _Bad:
    def __del__(self) -> None:
        raise ValueError("001099012345|NGUYEN VAN A")


def test_what_fails_in_threads_that_are_no_workers_is_kept_by_its_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    crashes = next_start(tmp_path)

    def fail() -> None:
        int("001099012345|NGUYEN VAN A")

    with hooked(crashes):
        for _ in range(12):
            thread = threading.Thread(target=fail, name="paho")
            thread.start()
            thread.join(5)
        _Bad()
    (crash,) = kept(crashes)
    assert crash.reason.startswith("thread paho failed: ValueError at test_crashes_runs.py:")
    assert crash.count == 8  # the rest is in the log alone
    assert "clean-up failed: ValueError" in str([r.__dict__.get("fields") for r in caplog.records])
    assert "001099012345" not in caplog.text


def test_without_hooks_pythons_own_are_back(tmp_path: Path) -> None:
    before = threading.excepthook, sys.unraisablehook
    with pytest.raises(SpoolError), hooked(next_start(tmp_path)):
        raise SpoolError("full")
    assert (threading.excepthook, sys.unraisablehook) == before


def test_a_ring_gives_back_the_newest_whole_lines() -> None:
    lines = ring.fresh(None)
    for number in range(5000):
        lines.write(f"line {number} đường")
    got = lines.lines()
    assert got[-1] == "line 4999 đường"
    assert list(got) == [f"line {number} đường" for number in range(5000 - len(got), 5000)]
    assert len(got) > 1000


def test_a_ring_cuts_a_line_and_shows_no_control_character() -> None:
    lines = ring.fresh(None)
    lines.write("\x1b[2J" + "x" * 5000)
    (line,) = lines.lines()
    assert line.startswith("?[2J")
    assert len(line) == 1000


@pytest.mark.parametrize("content", [
    b"", b"x", b"\xff" * ring.BYTES, bytes(ring.BYTES), b"\0" * (ring.BYTES + 1),
])  # fmt: skip
def test_a_ring_of_anything_is_lines(content: bytes) -> None:
    assert all(line.isprintable() for line in ring.lines_of(content))


def test_a_full_runtime_folder_leaves_the_ring_in_memory(tmp_path: Path) -> None:
    with full_card():
        lines = ring.fresh(tmp_path / ring.FILE)
    lines.write("all the same")
    assert lines.lines() == ("all the same",)
    assert not (tmp_path / ring.FILE).exists()


@pytest.mark.parametrize("text", ["", "\0" * 100, "\n\n"])
def test_an_empty_report_is_none(text: str) -> None:
    assert native.parsed(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Timeout (" + "9" * 5000 + ":00:01)",
        'Thread 0x1 (x):\n  File "a", line ' + "9" * 5000 + " in b",
    ],
)
def test_numbers_beyond_all_bounds_are_no_failure(text: str) -> None:
    found = native.parsed(text)
    assert found is not None
    assert found.hung_s is None


@pytest.mark.parametrize("content", [b"[1e400, 1]", b"[NaN, 1]", b"[[], {}]", b"7", b"\xff"])
def test_a_damaged_count_of_events_stops_no_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "sent").write_bytes(content)
    crashes = next_start(tmp_path)
    crashes.record("why")
    assert details(crashes) == ["why; version 1.1"]


def test_a_report_of_anything_is_one_without_its_words() -> None:
    found = native.parsed("Fatal Python error: 001099012345\n\nCurrent thread 0x1 (most):\n  junk")
    assert found is not None
    assert (found.signal, found.threads) == ("", (("the one that crashed", ()),))


def test_stacks_name_each_thread_and_where_it_is() -> None:
    release, begun = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        release.wait(20)

    thread = threading.Thread(target=wait, name="reading door")
    thread.start()
    begun.wait(5)
    found = dict(stacks())
    release.set()
    thread.join(5)
    assert any(each.endswith(":wait") for each in found["reading door"])
    assert json.dumps(found)
