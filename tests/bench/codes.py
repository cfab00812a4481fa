"""What recognising, checking and deciding cost, kind by kind; `make bench-codes`.

All kinds in turn, round after round, so that what else the machine does meets all of them alike.
Beside the signed ones: the bare signature check by cryptography, on the same bytes, in the same
round.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

sys.path.insert(0, str(Path(__file__).parents[1]))

from report import machine

from fuzz import seeds, wrapping
from gatepost import trust
from gatepost.codes import recognise
from gatepost.demo.tally import percentile
from gatepost.gate import Gate
from gatepost.model import SIGNED, Direction, Kind, Scan
from gatepost.rules import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.model import Code

_ECDSA = frozenset({Kind.DCC, Kind.SHC, Kind.NZCP})
_AIM = 1.3
_HEAD = (
    "microseconds, p50 / p99; at the end how many bare checks the check, and all of it, cost\n\n"
    "| kind | characters | recognise | check | decide | all | bare check | check, all |"
)


@dataclass
class Case:
    """One code with what it took, microseconds."""

    text: str
    code: Code
    recognise: list[float] = field(default_factory=list)
    check: list[float] = field(default_factory=list)
    decide: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


def cases() -> dict[str, Case]:
    """One good code of each kind."""
    found: dict[str, Case] = {}
    for seed in seeds.seeds():
        text = wrapping.text_of(seed)
        code = recognise(text)
        good = code.flaw is None and (code.kind not in SIGNED or _verified(code))
        if good:
            found.setdefault(code.kind.value, Case(text, code))
    return dict(sorted(found.items()))


def _verified(code: Code) -> bool:
    return trust.check(code, wrapping.trust_list(), wrapping.NOW).trust.value == "verified"


def bare_check(code: Code) -> Callable[[], object]:
    """Cryptography's own check of a code's signature, with nothing around it."""
    proof = code.proof
    assert proof is not None
    message, signature = proof.message, proof.signature
    if code.kind not in _ECDSA:
        key = wrapping.EDDSA_KEY.public_key()
        return lambda: key.verify(signature, message)
    public, how = wrapping.ECDSA_KEY.public_key(), ec.ECDSA(SHA256())
    half = len(signature) // 2
    r, s = (int.from_bytes(each, "big") for each in (signature[:half], signature[half:]))
    coded = encode_dss_signature(r, s)
    return lambda: public.verify(coded, message, how)


def measure(rounds: int) -> dict[str, Case]:
    """Every kind, `rounds` times."""
    measured = cases()
    bare = {name: bare_check(case.code) for name, case in measured.items() if case.code.proof}
    gc.collect()
    gc.disable()
    for number in range(rounds):
        for name, case in measured.items():
            # Whoever comes second finds the code warm in the caches: so each does in turn.
            if name in bare and number % 2:
                case.bare.append(_took(bare[name]))
            _one(case)
            if name in bare and not number % 2:
                case.bare.append(_took(bare[name]))
    gc.enable()
    return measured


def _one(case: Case) -> None:
    gate, now, text = Gate(EVERYTHING, "bench"), wrapping.NOW, case.text
    scan = Scan(text.encode(), text, "qr", "door", Direction.AUTO, 1.0)
    at = [time.perf_counter_ns()]
    code = recognise(text)
    at.append(time.perf_counter_ns())
    checked = trust.check(code, wrapping.trust_list(), now)
    at.append(time.perf_counter_ns())
    gate.decide(scan, code, checked, now)
    at.append(time.perf_counter_ns())
    parts = [(later - earlier) / 1000 for earlier, later in pairwise(at)]
    case.recognise.append(parts[0])
    case.check.append(parts[1])
    case.decide.append(parts[2])
    case.whole.append(sum(parts))


def _took(act: Callable[[], object]) -> float:
    before = time.perf_counter_ns()
    act()
    return (time.perf_counter_ns() - before) / 1000


def row(name: str, case: Case) -> dict[str, Any]:
    """What was found of one kind."""
    told: dict[str, Any] = {"kind": name, "characters": len(case.text)}
    for part in ("recognise", "check", "decide", "whole", "bare"):
        values = getattr(case, part)
        if values:
            told[part] = {"p50_us": round(median(values), 1), "p99_us": percentile(values, 0.99)}
    if case.bare:
        told["check_of_bare"] = round(median(case.check) / median(case.bare), 2)
        told["whole_of_bare"] = round(median(case.whole) / median(case.bare), 2)
    return told


def _line(told: dict[str, Any]) -> str:
    def both(part: str) -> str:
        found = told.get(part)
        return f"{found['p50_us']:.0f} / {found['p99_us']:.0f}" if found else ""

    ratio = f"{told['check_of_bare']:.2f} / {told['whole_of_bare']:.2f}" if "bare" in told else ""
    cells = (told["kind"], str(told["characters"]), *map(both, ("recognise", "check", "decide")))
    return "| " + " | ".join((*cells, both("whole"), both("bare"), ratio)) + " |"


def main() -> int:
    """The bench; 1 when checking a DCC costs more than is aimed at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rounds")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [row(name, case) for name, case in measure(300 if options.quick else 3000).items()]
    with tempfile.TemporaryDirectory() as folder:
        where = machine(Path(folder))
    if options.json:
        sys.stdout.write(json.dumps({"machine": where, "kinds": rows}) + "\n")
    else:
        lines = (_HEAD, "|---|---|---|---|---|---|---|---|", *map(_line, rows))
        sys.stdout.write("\n".join(lines) + f"\n\nMeasured on {where}.\n")
    dcc = next(each for each in rows if each["kind"] == "dcc")
    return 0 if dcc["check_of_bare"] <= _AIM else 1


if __name__ == "__main__":
    sys.exit(main())
