"""`gatepost demo`: a broker, the real daemon, recorded visitors, a subscriber, and a table."""

from __future__ import annotations

import logging
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gatepost.clock import SystemClock
from gatepost.demo.authority import make_authority
from gatepost.demo.broker import HOST, RunningBroker, demo_broker, is_free
from gatepost.demo.clips import ClipTruth, write_clip
from gatepost.demo.daemon import Daemon, daemon
from gatepost.demo.fault import Fault, stage_fault
from gatepost.demo.governed import STATION, common, govern
from gatepost.demo.subscriber import Subscriber
from gatepost.demo.tally import as_json, as_table, tally
from gatepost.demo.visitors import EVERY_KIND, make_visitors
from gatepost.errors import GatepostError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from gatepost.demo.authority import AuthorityFiles

_TURN_S = 0.05
_READY_S = 30.0
_DELIVERY_S = 20.0
_NOWHERE = logging.NullHandler()


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked of the demo."""

    visitors: int = EVERY_KIND
    seed: int = 1
    headless: bool = False
    keep: Path | None = None
    port: int = 0
    json: bool = False
    fault: str = ""


def demo(options: Options) -> int:
    """Run it, in the main thread; 0 when all were read, recorded, delivered once, judged right.

    Raises UsageError for what cannot be done as asked, KeyboardInterrupt when it is told to end
    (Ctrl-C, SIGTERM, SIGHUP): then, too, every process and temporary file is gone.
    """
    if options.visitors < 1:
        raise UsageError("--visitors must be at least 1")
    if options.port and not is_free(options.port):
        raise UsageError(f"port {options.port} is taken; leave --port away")
    # Of the subscriber's session: it would stand in the panel, and the table tells what matters.
    logging.getLogger("gatepost").addHandler(_NOWHERE)
    with _one_interrupt() as check, ExitStack() as stack:
        folder = _folder(options.keep, stack)
        if options.fault:
            return _staged(options, folder.absolute(), check)
        return _Show(options, folder.absolute(), stack, check).run()


def _staged(options: Options, folder: Path, check: Callable[[], None]) -> int:
    fault = Fault(options.fault, options.visitors, options.seed, options.json, options.port)

    def tell(text: str) -> None:
        check()
        if text and not options.json:
            print(text, flush=True)

    return stage_fault(fault, folder, tell)


@contextmanager
def _one_interrupt() -> Iterator[Callable[[], None]]:
    """The first signal to end raises KeyboardInterrupt; those after it do not stop the tidying.

    Gives what raises it again, to be called now and then: where the signal came while foreign C
    code ran Python (NumPy does as it imports its random numbers), that swallowed the first.
    """
    told = False
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # else nohup was asked for
        numbers.append(signal.SIGHUP)

    def check() -> None:
        if told:
            raise KeyboardInterrupt

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal told
        told = True
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        check()

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _folder(keep: Path | None, stack: ExitStack) -> Path:
    """Where the demo's files go. Raises UsageError: an old spool does not go with new keys."""
    if keep is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory("-gatepost")))
    wanted = f"--keep wants an empty or new folder: {keep}"
    try:
        keep.mkdir(parents=True, exist_ok=True)
        empty = next(keep.iterdir(), None) is None
    except FileExistsError as error:
        raise UsageError(f"{wanted} is a file") from error
    except OSError as error:
        raise UsageError(f"{wanted}: {error.strerror or error}") from error
    if not empty:
        raise UsageError(f"{wanted} holds files")
    return keep


class _Show:
    def __init__(
        self, options: Options, folder: Path, stack: ExitStack, check: Callable[[], None]
    ) -> None:
        self._check = check  # raises KeyboardInterrupt once the demo was told to end
        self._options = options
        self._folder = folder
        self._stack = stack
        self._told = 0  # arrivals that have a line already

    def run(self) -> int:
        truth = self._film()
        files = make_authority(self._folder / "keys", STATION)
        broker = self._stack.enter_context(demo_broker(self._folder, files, self._options.port))
        config = self._configure(files, broker)
        subscriber = self._stack.enter_context(Subscriber(HOST, broker.port, files))
        panel = None if self._options.headless or self._options.json else sys.stdout
        station = self._stack.enter_context(daemon(config, self._folder / "station.log", panel))
        self._watch(station, subscriber, truth)
        stopped = station.stop() == 0 and subscriber.wait_for_state("offline", 5.0)
        result = tally(
            truth,
            subscriber.arrivals(),
            station.read_log(),
            proved=subscriber.proved(STATION),
            stopped_cleanly=stopped,
        )
        print(as_json(result) if self._options.json else "\n" + as_table(result))
        if self._options.keep is not None:
            self._say(f"everything that was made is in {self._folder}")
        return 0 if result.good else 1

    def _film(self) -> ClipTruth:
        known = SystemClock().bound_us() is not None
        visitors = make_visitors(self._options.visitors, self._options.seed, time_known=known)
        codes = "".join(f"{visitor.text}\n" for visitor in visitors)
        (self._folder / "codes.txt").write_text(codes, "utf-8")
        if not known:
            self._say("this computer's clock is not synchronised: nobody is refused by the time")
        self._say(f"filming {len(visitors)} recorded visitors (seed {self._options.seed}) ...")
        clip = self._folder / "visitors.avi"
        truth = write_clip(clip, visitors, self._options.seed, progress=self._progress)
        self._say(f"  {truth.frames} frames of {truth.size[0]}x{truth.size[1]}: {clip}")
        return truth

    def _progress(self, done: int, frames: int) -> None:
        self._check()
        if sys.stderr.isatty() and not self._options.json:
            end = "\n" if done == frames else ""
            print(f"\r  {done * 100 // frames:3} %", end=end, file=sys.stderr, flush=True)

    def _configure(self, files: AuthorityFiles, broker: RunningBroker) -> Path:
        (self._folder / "data").mkdir(mode=0o700)
        govern(self._folder, files, self._options.seed)
        path = self._folder / "station.toml"
        panel = not (self._options.headless or self._options.json)
        path.write_text(_configuration(files, broker, self._folder, panel=panel), "utf-8")
        self._say(f"the station's configuration, {path}:\n")
        self._say("".join(f"    {line}\n" for line in path.read_text("utf-8").splitlines()))
        self._say(f"broker: {broker.name}")
        if broker.watch_port:
            port = "" if broker.watch_port == 1883 else f" -p {broker.watch_port}"
            self._say(f"look on:  mosquitto_sub{port} -V 5 -t 'gatepost/v1/#' -F '%t %p'")
            port = port.replace("-p", "--port")
            self._say(f"or:       gatepost-central watch --from-now{port}\n")
        return path

    def _watch(self, station: Daemon, subscriber: Subscriber, truth: ClipTruth) -> None:
        """Wait until the film is over and everything that was recorded has arrived."""
        film_s = truth.frames / truth.fps
        if self._options.headless:
            self._say("the visitors come ...")
        if not _until(lambda: bool(station.said("replay started")), station, _READY_S):
            raise GatepostError("the daemon does not read its frames; see station.log with --keep")

        def ended() -> bool:
            self._tell_arrivals(len(subscriber.arrivals()), len(truth.visitors))
            return bool(station.said("replay ended"))

        def delivered() -> bool:
            recorded = len(station.said("scan recorded"))
            count = len(subscriber.arrivals())
            self._tell_arrivals(count, len(truth.visitors))
            return count >= recorded

        if not _until(ended, station, film_s + _READY_S):
            raise GatepostError("the recorded visitors did not come to an end")
        _until(delivered, station, _DELIVERY_S)

    def _tell_arrivals(self, count: int, expected: int) -> None:
        """A line for each event that is new; the panel, which draws in place, shows it itself."""
        self._check()
        if self._options.headless:
            for number in range(self._told + 1, count + 1):
                self._say(f"  {number} of {expected} arrived")
        self._told = max(self._told, count)

    def _say(self, text: str) -> None:
        self._check()
        if not self._options.json:
            print(text, flush=True)


def _until(done: Callable[[], bool], station: Daemon, limit_s: float) -> bool:
    until = time.monotonic() + limit_s
    while not done():
        station.check()
        if time.monotonic() > until:
            return False
        time.sleep(_TURN_S)
    return True


def _configuration(
    files: AuthorityFiles, broker: RunningBroker, folder: Path, *, panel: bool
) -> str:
    return f"""{common(files, folder, broker.port)}
[[reader]]
type = "frames"            # recorded visitors in place of a camera
name = "door"
direction = "auto"         # in, then out, by what the gate remembers of the day
path = "visitors.avi"

[panel]                    # lamp, buzzer and OLED in the terminal
terminal = {"true" if panel else "false"}
"""
