"""Power cuts by the thousand: was every event kept whose light was green?"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

_TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_TESTS), str(_TESTS / "faults")]

from cut_checks import Tally  # noqa: E402  (the folders of the tests first)
from cut_runs import Runs  # noqa: E402

from gatepost.demo.tearing import TearingError, mounted, unavailable  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CUTS, SEED = 10_000, 1
_TELL_S = 5.0
_EXAMPLES = """\
examples:
  python tests/bench/powercut.py                     10,000 cuts, some minutes
  python tests/bench/powercut.py --cuts 500 --seed 7 other cuts, fewer
  python tests/bench/powercut.py --lie files         a card whose flush keeps nothing: must fail

The result goes to standard output, progress to standard error. Exit status: 0 every promise was
kept, 1 one was broken or the file system cannot be mounted, 2 wrong usage.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python tests/bench/powercut.py",
        description="Cut the power under the real spool and deciding, on a file system that "
        "keeps what was flushed and any part of the rest.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cuts", type=int, default=CUTS, metavar="N", help=f"how many ({CUTS:,})")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="repeats a series")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number there too")
    parser.add_argument(
        "--lie",
        metavar="WHAT",
        help="flushes of files, folders or a file of that name keep nothing",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Cut, check, tell."""
    options = _parser().parse_args(arguments)
    logging.disable(logging.CRITICAL)  # what the station says of each start
    why = unavailable()
    if why:
        sys.stderr.write(f"power cuts: {why}\n")
        return 1
    begun = time.monotonic()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="gatepost-cuts-") as folder,
            mounted(Path(folder) / "mount") as tearing,
        ):
            tearing.lie(*([options.lie] if options.lie else []))
            tally = Runs(tearing, options.seed, Tally()).run(options.cuts, _progress(begun))
    except TearingError as error:
        sys.stderr.write(f"power cuts: {error}\n")
        return 1
    took = time.monotonic() - begun
    told = facts(tally, options.seed, took)
    sys.stdout.write(line(told) + "\n")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    for each in tally.told:
        sys.stderr.write(f"power cuts: {each}\n")
    return 1 if tally.wrong else 0


def _progress(begun: float) -> Callable[[Tally], None]:
    told = begun

    def say(tally: Tally) -> None:
        nonlocal told
        if time.monotonic() - told >= _TELL_S:
            told = time.monotonic()
            sys.stderr.write(
                f"power cuts: {tally.cuts:,} after {told - begun:.0f} s, {tally.wrong} wrong\n"
            )

    return say


def facts(tally: Tally, seed: int, took_s: float) -> dict[str, Any]:
    """What was tried and found, by names that stay."""
    return {
        "cuts": tally.cuts,
        "seed": seed,
        "moments": tally.moments,
        "moments_in_a_start": tally.started,
        "distinct_states": len(tally.states),
        "greens_lit": tally.lit,
        "greens_checked": tally.greens,
        "let_go": tally.gone,
        "lost": tally.lost,
        "altered": tally.altered,
        "twice": tally.twice,
        "broken_chains": tally.broken,
        "set_aside": tally.aside,
        "not_started": tally.stuck,
        "wrongly_delivered": tally.overclaimed,
        "took_s": round(took_s, 1),
        "cut_in": dict(sorted(tally.kinds.items(), key=lambda kind: -kind[1])),
    }


def line(told: dict[str, Any]) -> str:
    """The same in one line, but for what the power was cut in."""
    return (
        f"{told['cuts']:,} cuts ({told['distinct_states']:,} distinct states of "
        f"{told['moments']:,} moments, {told['moments_in_a_start']:,} of them in a start): "
        f"{told['greens_lit']:,} greens, checked {told['greens_checked']:,} times: "
        f"{told['lost']} lost, {told['altered']} altered, {told['twice']} twice, "
        f"{told['broken_chains']} broken chains, {told['set_aside']} spools set aside, "
        f"{told['not_started']} did not start, {told['wrongly_delivered']} wrongly called "
        f"delivered; {told['took_s']:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
