"""Spool, uplink and centre through any mix of faults, against a model of ten lines.

GATEPOST_EXAMPLES=5000 makes a long run of it.
"""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from delivery_centre import Centre
from delivery_post import Mood, Post
from delivery_station import SOURCE, Key, Station, Time
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from gatepost.demo.authority import make_authority
from gatepost.model import FaultRecord
from gatepost.signing import Signer, load_certificates
from gatepost.spool import Limits
from gatepost.uplink import Uplink
from gatepost.uplink.live import Live
from gatepost.wire import body_hash, parse_event

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from gatepost.model import Message
    from gatepost.spool import Spool
    from gatepost.uplink.sending import Sending

EXAMPLES = int(os.environ.get("GATEPOST_EXAMPLES", "200"))
YEAR_US = 365 * 86_400 * 1_000_000
TIGHT = Limits(keep_days=0, most_bytes=96 * 1024, spare_bytes=0)
CALM_TURNS = 2000
FEW, SOME = st.sampled_from((0, 1, 2, 5, 9)), st.sampled_from((0, 1, 3, 12, 30))
IN_RAM = Path("/dev/shm")  # noqa: S108 - what is not flushed is cut off here, not by the kernel


class Model:
    """What must be at the centre in the end: every green, once, as it was."""

    def __init__(self, confirm: str) -> None:
        self.green: dict[tuple[str, int], str] = {}
        self.taken: set[tuple[str, int]] = set()  # what the broker said it has
        self.confirm = confirm

    def confirmed(self, kept: Collection[tuple[str, int]]) -> set[tuple[str, int]]:
        """What may count as delivered, where the centre has `kept`."""
        return set(kept) | (set() if self.confirm == "central" else self.taken)

    def excused(self, held: dict[tuple[str, int], str]) -> set[tuple[str, int]]:
        """What a broker may have lost for good: only where its word was to be enough."""
        return set() if self.confirm == "central" else self.taken - held.keys()


@cache
def keys() -> Key:
    with tempfile.TemporaryDirectory() as folder:
        files = make_authority(Path(folder), SOURCE)
        return Key(
            Signer(files.station_certificate, files.station_key),
            Signer(files.central_certificate, files.central_key),
            load_certificates(files.ca)[0],
        )


class Delivery(RuleBasedStateMachine):
    """Anything may happen at any moment; in the end there is a calm."""

    uplink_class: type[Uplink] = Uplink

    @initialize(
        confirm=st.sampled_from(("broker", "central")),
        asks=st.sampled_from((True, True, False)),
        tight=st.booleans(),
    )
    def begin(self, confirm: str, *, asks: bool, tight: bool) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=IN_RAM if IN_RAM.is_dir() else None)
        whole = Path(self.folder.name)
        self.model, self.time, self.asks = Model(confirm), Time(), asks
        self.post = Post(self.time.pass_, self.acknowledged)
        self.number = 0
        self.station = Station(
            whole / "1", self.post, self.time, keys(), confirm,
            TIGHT if tight else Limits.NONE, self.model.green, self.uplink_class,
        )  # fmt: skip
        self.centre = Centre(whole / "central.db", self.post, self.time, keys(), asks)

    def acknowledged(self, message: Message) -> None:
        if "/event/" in message.topic:
            event, body = parse_event(message.payload)
            assert self.model.green[event.epoch, event.sequence] == body_hash(body)
            self.model.taken.add((event.epoch, event.sequence))

    # --- what happens

    @rule(visitors=FEW, turns=SOME, hears=st.booleans())
    def visitors_come(self, visitors: int, turns: int, *, hears: bool) -> None:
        for _ in range(visitors):
            self.number += 1
            self.station.record(FaultRecord("visitor", "failed", str(self.number)))
        self.station.turn(turns)
        if hears:
            self.the_centre_hears(200, dies=False)

    @rule(visitors=FEW, turns=SOME, hears=st.booleans())
    def more_visitors_come(self, visitors: int, turns: int, *, hears: bool) -> None:
        self.visitors_come(visitors, turns, hears=hears)

    @rule()
    def nobody_comes(self) -> None:
        self.station.rest()

    @rule(full=st.booleans())
    def the_card_is_full_or_free(self, *, full: bool) -> None:
        self.station.card(full=full)

    @rule(how=st.sampled_from(("stopped", "killed", "cut")), share=st.floats(0, 1))
    def the_station_ends(self, how: str, share: float) -> None:
        """Of what is not flushed, a power cut leaves a share."""
        station = self.station
        ends = {"stopped": station.stop, "killed": station.killed}
        self.station = station.cut(share) if how == "cut" else ends[how]()

    @rule(seconds=st.sampled_from((0.5, 3.0, 31.0, 61.0, 3600.0)))
    def time_passes(self, seconds: float) -> None:
        self.time.pass_(seconds)

    @rule(years=st.sampled_from((-1, 0, 1)), known=st.booleans())
    def the_clock_jumps(self, years: int, *, known: bool) -> None:
        self.time.wrong_us, self.time.bound = years * YEAR_US, 500 if known else None

    @rule(mood=st.sampled_from(Mood))
    def the_broker_changes(self, mood: Mood) -> None:
        self.post.mood = mood

    @rule(keeps=st.integers(0, 3))
    def the_broker_goes(self, keeps: int) -> None:
        """Killed, it loses what it acknowledged; then somebody must ask for it again."""
        self.post.die(keeps if self.asks else len(self.post.to_centre))

    @rule()
    def the_broker_comes(self) -> None:
        if not self.post.up:
            self.post.up = True
            self.post.resume()

    @rule(after=FEW)
    def the_session_breaks(self, after: int) -> None:
        self.post.breaks_after = after

    @rule(most=st.sampled_from((1, 5, 200)), dies=st.booleans())
    def the_centre_hears(self, most: int, *, dies: bool) -> None:
        """It may be killed before it stored."""
        self.centre.hear(most)
        if dies:
            self.centre.killed()
        else:
            self.centre.settle()

    @rule(loses=st.booleans(), doubles=st.booleans(), delays=st.booleans())
    def the_centres_word_gets(self, *, loses: bool, doubles: bool, delays: bool) -> None:
        self.post.loses_commands, self.post.doubles_commands = loses, doubles
        self.post.delays_commands = delays

    @rule()
    def what_was_delayed_arrives(self) -> None:
        self.post.deliver_late()

    # --- what must hold

    @invariant()
    def nothing_false_is_found(self) -> None:
        assert not self.centre.alarms
        assert all(self.model.green[place] == self.centre.kept[place] for place in self.centre.kept)
        assert all(count == 1 for count in self.centre.times.values())

    @invariant()
    def nothing_counts_as_delivered_too_early(self) -> None:
        assert self.station.delivered() <= self.model.confirmed(self.centre.kept)

    def teardown(self) -> None:
        if not hasattr(self, "centre"):
            return
        try:
            self.calm()
            self.judge()
        finally:
            self.end()

    def end(self) -> None:
        self.station.end()
        self.centre.end()
        self.folder.cleanup()

    def calm(self, *, renewed: bool = True) -> None:
        """All works from now on, for as long as it takes; `renewed`: in a new session.

        In an old one it takes the station up to minutes to say again what was lost (see below).
        """
        if renewed:
            self.post.vanish()
        self.the_clock_jumps(0, known=True)
        self.station.card(full=False)
        self.post.mood, self.post.breaks_after = Mood.TAKES, -1
        self.the_centres_word_gets(loses=False, doubles=False, delays=False)
        self.the_broker_comes()
        for _ in range(CALM_TURNS):
            self.station.turn()
            self.centre.hear()
            self.centre.settle()
            self.time.pass_(0.5)
            if self.delivered():
                return

    def delivered(self) -> bool:
        return not (self.lacking() - self.centre.lost or self.unproved() or self.unconfirmed())

    def lacking(self) -> set[tuple[str, int]]:
        return self.model.green.keys() - self.centre.kept.keys()

    def unproved(self) -> bool:
        return not self.centre.lost and not self.centre.complete(SOURCE)

    def unconfirmed(self) -> int:
        """How many events the station still keeps for the centre's sake; nobody may confirm."""
        nobody = self.model.confirm == "central" and not self.asks
        return 0 if nobody else self.station.depth()

    def judge(self) -> None:
        self.nothing_false_is_found()
        assert self.lacking() <= self.model.excused(self.station.held())
        assert self.lacking() <= self.centre.lost
        assert not self.unproved()
        assert not self.unconfirmed()


Delivery.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestDelivery = pytest.mark.timeout(0 if EXAMPLES > 200 else 120)(Delivery.TestCase)


# --- that it can fail


class TakesSentForAcknowledged(Live):
    """What it has written to the socket counts."""

    def take(self, places: int, now: float) -> list[Message]:
        chosen = super().take(places, now)
        self.acknowledged([each.token for each in chosen])
        return chosen


class ForgetsWhatWasInFlight(Live):
    """When the session is lost, what was not acknowledged is never sent again."""

    def lost(self) -> None:
        self.spool.sent((each, each) for each in self._flying)
        super().lost()


class TakesAcknowledgedForConfirmed(Live):
    """Lets go of what the broker has, although the centre is to confirm it."""

    def acknowledged(self, tokens: Iterable[int]) -> None:
        self.confirmed = True
        super().acknowledged(tokens)


PLANTED = [TakesSentForAcknowledged, ForgetsWhatWasInFlight, TakesAcknowledgedForConfirmed]


@pytest.mark.parametrize("live", PLANTED, ids=lambda each: each.__name__)
def test_the_model_finds_a_planted_bug(live: type[Live]) -> None:
    class Broken(Uplink):
        def _sending(self, spool: Spool) -> Sending:
            sending = Uplink._sending(self, spool)
            sending.live = live(spool, self.confirm == "broker")
            return sending

    machine = type("BrokenDelivery", (Delivery,), {"uplink_class": Broken})
    quick = settings(
        Delivery.TestCase.settings,
        max_examples=400,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=quick)


# --- what was lost on the way to the centre, or on the way back, while nobody comes


@pytest.fixture
def world() -> Iterator[Delivery]:
    world = Delivery()
    world.begin("central", asks=True, tight=False)
    world.visitors_come(0, 12, hears=True)
    world.time_passes(31.0)
    world.visitors_come(0, 12, hears=True)
    yield world
    world.end()


def test_what_a_full_queue_of_the_broker_swallowed_is_found_without_another_visitor(
    world: Delivery,
) -> None:
    world.visitors_come(5, 0, hears=False)
    world.the_session_breaks(0)
    world.visitors_come(0, 30, hears=False)
    world.post.to_centre.clear()  # more than it queues: dropped, and nobody is told
    world.calm(renewed=False)
    world.judge()


def test_a_receipt_that_was_lost_is_given_again_without_another_visitor(world: Delivery) -> None:
    world.the_centres_word_gets(loses=True, doubles=False, delays=False)
    world.visitors_come(5, 30, hears=True)
    for _ in range(3):  # receipts for the events, then for the checkpoint
        world.time_passes(61.0)
        world.visitors_come(0, 30, hears=True)
    world.calm(renewed=False)
    world.judge()
