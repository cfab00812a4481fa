"""`gatepost demo --fault`: a fault staged for anybody to see, and everybody delivered once."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatepost.central.findings import FindingKind
from gatepost.clock import SystemClock
from gatepost.demo import tearing
from gatepost.demo.authority import make_authority
from gatepost.demo.broker import HOST, demo_broker
from gatepost.demo.centre import Centre
from gatepost.demo.governed import STATION, common, govern
from gatepost.demo.gun import Gun
from gatepost.demo.line import Line
from gatepost.demo.plays import ON_A_CARD, play_of
from gatepost.demo.stage import CARD, Stage
from gatepost.demo.visitors import make_visitors
from gatepost.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gatepost.demo.authority import AuthorityFiles
    from gatepost.demo.stage import Came
    from gatepost.demo.tally import Arrival
    from gatepost.demo.visitors import Visitor


@dataclass(frozen=True, slots=True)
class Fault:
    """What was asked for: which fault, how many visitors, which ones."""

    name: str
    visitors: int
    seed: int
    json: bool = False
    port: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one visitor; `events`: how many of theirs the centre has."""

    name: str
    came: int
    answers: tuple[str, ...]
    waited: int
    sequence: int
    events: int
    copies: int


def stage_fault(fault: Fault, folder: Path, tell: Callable[[str], None]) -> int:
    """Stage it in an empty `folder`; 0 when every visitor was delivered once, proved.

    `tell` gets a line for people now and then, "" to be asked whether to go on, and may raise.
    Raises UsageError where the fault cannot be staged on this computer.
    """
    play = play_of(fault.name)
    with ExitStack() as stack:
        stage = _set_up(fault, folder, stack, tell)
        visitors = _visitors(fault)
        stage.start()
        play(stage, visitors)
        stage.until_delivered()
        clean = stage.stop()
        proved = stage.until_proved(STATION)
        rows = _rows(stage.came, stage.centre.arrivals())
        told = _summary(fault, rows, stage.centre, proved=proved, clean=clean)
    print(json.dumps(told) if fault.json else _table(rows, told), flush=True)
    return 0 if told["good"] else 1


def _visitors(fault: Fault) -> list[Visitor]:
    """Those with a code of their own: who comes back in the story comes by the fault alone."""
    known = SystemClock().bound_us() is not None
    made = make_visitors(fault.visitors * 2, fault.seed, time_known=known)
    first = {each.text: each for each in reversed(made)}
    return [each for each in made if first[each.text] is each][: fault.visitors]


def _set_up(fault: Fault, folder: Path, stack: ExitStack, tell: Callable[[str], None]) -> Stage:
    card = _card(fault, folder, stack)
    files = make_authority(folder / "keys", STATION)
    broker = stack.enter_context(demo_broker(folder, files, fault.port))
    line = stack.enter_context(Line(broker.port))
    gun = stack.enter_context(Gun(folder / "reader"))
    govern(folder, files, fault.seed)
    config = folder / "station.toml"
    config.write_text(_configuration(files, folder, line.port), "utf-8")
    centre = stack.enter_context(Centre(HOST, broker.port, files, folder / "central.db"))
    return stack.enter_context(Stage(folder, config, gun, broker, line, centre, tell, tearing=card))


def _card(fault: Fault, folder: Path, stack: ExitStack) -> tearing.Tearing | None:
    """Where the spool lies: for some faults on a file system of our own. Raises UsageError."""
    if fault.name not in ON_A_CARD:
        (folder / "data").mkdir(mode=0o700)
        return None
    why = tearing.unavailable()
    if why:
        raise UsageError(f"--fault {fault.name} needs a file system in user space: {why}")
    card = stack.enter_context(tearing.mounted(folder / "cards"))
    (folder / "data").symlink_to(card.disk(CARD))
    return card


def _configuration(files: AuthorityFiles, folder: Path, port: int) -> str:
    """`port`: of the line, which leads to the broker."""
    haste = "keepalive_s = 2            # a short one, for whoever waits here\n"
    return f"""{common(files, folder, port, haste)}\
confirm = "central"        # delivered is what the central server's receipt covers

[[reader]]
type = "serial"            # a terminal in place of a barcode reader
name = "door"
direction = "in"
repeat_s = 1               # who comes back later than this is read again
device = "{folder / "reader"}"

[panel]
terminal = false
"""


def _rows(came: dict[str, Came], arrivals: Sequence[Arrival]) -> list[Row]:
    rows = []
    for text, each in came.items():
        own = [arrival for arrival in arrivals if arrival.text == text]
        rows.append(
            Row(
                each.visitor.name,
                len(each.answers),
                tuple(each.answers),
                each.waited,
                own[0].sequence if own else 0,
                len(own),
                sum(arrival.copies for arrival in own),
            )
        )
    return rows


def _summary(
    fault: Fault, rows: Sequence[Row], centre: Centre, *, proved: bool, clean: bool
) -> dict[str, Any]:
    once = sum(row.events == 1 for row in rows)
    return {
        "fault": fault.name,
        "visitors": len(rows),
        "delivered_once": once,
        "copies": sum(row.copies for row in rows),
        "refused_in_red": sum(row.answers.count("trouble") for row in rows),
        "saw_one_moment": sum(row.waited for row in rows),
        "came_on_request": centre.sent_again,
        "conflicts": centre.count(FindingKind.CONFLICT),
        "chain_proved_complete": proved,
        "stopped_cleanly": clean,
        "good": once == len(rows) and proved and clean and not centre.count(FindingKind.CONFLICT),
        "rows": [
            {"name": row.name, "answers": row.answers, "event": row.sequence, "events": row.events}
            for row in rows
        ],
    }


def _table(rows: Sequence[Row], told: dict[str, Any]) -> str:
    head = f"    {'visitor':<24} {'was told':<34} {'event':>5} {'there':>5}"
    lines = ["", head, "-" * len(head)]
    for number, row in enumerate(rows, 1):
        said = ", then ".join(answer or "nothing" for answer in row.answers)
        wrong = "" if row.events == 1 else "   <-- not once"
        lines.append(
            f"{number:>3} {row.name[:24]:<24} {said[:34]:<34} {row.sequence or '-':>5} "
            f"{row.events:>5}{wrong}"
        )
    proved = told["chain_proved_complete"]
    proof = "events proved complete by checkpoint" if proved else "NOT proved complete"
    again, asked = told["copies"] - told["delivered_once"], told["came_on_request"]
    lines += [
        "-" * len(head),
        f"{told['visitors']} visitors, {told['delivered_once']} of them delivered once; {proof}",
        f"came more than once, and were known: {again}; came because they were asked for: {asked}",
        f"refused in red: {told['refused_in_red']}; saw 'one moment': {told['saw_one_moment']}",
    ]
    if not told["stopped_cleanly"]:
        lines.append("the station did not stop cleanly")
    return "\n".join(lines)
