"""Findings as lines: for people, or as JSON for machines. A visitor's data only where given."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from gatepost.central.findings import ALARMS, FindingKind
from gatepost.model import AuditRecord, ClockRecord, EpochRecord, FaultRecord, ScanRecord
from gatepost.wire import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatepost.central.epochs import EpochStatus
    from gatepost.central.findings import Finding
    from gatepost.central.unseal import Unsealed
    from gatepost.model import Record

_VISITORS = ("sealed", "plain")


def escaped(text: str) -> str:
    """Text that cannot move the cursor, ring the bell or turn the line round."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def json_line(told: dict[str, Any]) -> str:
    """JSON in one line, readable as far as standard output can: what is not printable escaped."""
    text = json.dumps(told, ensure_ascii=False)
    text = "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return json.dumps(told)
    return text


def line(finding: Finding, visitor: Unsealed | None = None) -> str:
    """A finding for people."""
    at = finding.wall_us or finding.received_us
    words = [rfc3339(at), f"{finding.site}/{finding.source}", finding.kind.value]
    if finding.sequence:
        to = f"-#{finding.last}" if finding.last else ""
        words.append(f"#{finding.sequence}{to}")
    if finding.event:
        words.append(_record(finding.event.record))
        words += _true_time(finding)
    words += [f"{name}={value}" for name, value in finding.facts]
    if finding.detail:
        words.append(f"({finding.detail})")
    if visitor is not None:
        words.append(f"visitor: {visitor.kind} {visitor.text}")
    return escaped("  ".join(words))


def _true_time(finding: Finding) -> list[str]:
    """A remark where the time is not the station's own word, or nobody's."""
    stamp = finding.event.stamp if finding.event else None
    if stamp is None or stamp.synchronised or not finding.wall_us:
        return []
    if finding.bound_us is None:
        return ["time not sure"]
    return [f"true time within {finding.bound_us} us"]


def _record(record: Record) -> str:
    match record:
        case ScanRecord():
            return f"{record.direction:<4}  {record.kind}  {record.verdict}  {record.reason}"
        case EpochRecord():
            return f"epoch begun: {record.cause}"
        case ClockRecord():
            return f"clock: {record.offset_us:+d} us within {record.offset_bound_us} us"
        case FaultRecord():
            return f"{record.part} {record.state}: {record.detail}"
        case AuditRecord():
            return f"{record.action} by {record.actor}: {record.outcome}, {record.detail}"


def as_json(finding: Finding, visitor: Unsealed | None = None, *, whole: bool = False) -> str:
    """A finding as one line of JSON, ASCII only.

    `whole`: with what visitors showed, sealed or plain, as it must be where this is all that is
    kept.
    """
    told: dict[str, Any] = {
        "kind": finding.kind.value,
        "received": rfc3339(finding.received_us),
        "topic": finding.topic,
        "site": finding.site,
        "source": finding.source,
        "epoch": finding.epoch,
        "sequence": finding.sequence,
        "last": finding.last,
        "detail": finding.detail,
        "via": finding.via,
        "time": rfc3339(finding.wall_us) if finding.bound_us is not None else "",
        "facts": _facts(finding),
    }
    told = {name: value for name, value in told.items() if value}
    if finding.bound_us is not None:
        told["time_bound_us"] = finding.bound_us
    if finding.body:
        body = json.loads(finding.body)
        told["event"] = {
            name: each for name, each in body.items() if whole or name not in _VISITORS
        }
    if visitor is not None:
        told["visitor"] = visitor.told()
    return json.dumps(told)


def _facts(finding: Finding) -> dict[str, Any]:
    """What a station says of itself; its conditions, which come as JSON text, as an object."""
    told: dict[str, Any] = dict(finding.facts)
    if finding.kind is FindingKind.HEALTH and "conditions" in told:
        told["conditions"] = json.loads(told["conditions"])
    return told


class Summary:
    """What came of a watch."""

    def __init__(self, *, from_now: bool) -> None:
        self.counts: Counter[FindingKind] = Counter()
        self._from_now = from_now

    def add(self, findings: Iterable[Finding]) -> None:
        """Count."""
        self.counts.update(each.kind for each in findings)

    @staticmethod
    def _real(statuses: Iterable[EpochStatus]) -> list[EpochStatus]:
        """Without what only others say of a station."""
        return [each for each in statuses if not each.hearsay]

    def lacking(self, status: EpochStatus) -> int:
        """How many events lack; `from_now`: those before the first that came do not count."""
        gaps = status.gaps
        if self._from_now and gaps and gaps[0][0] == 1:
            gaps = gaps[1:]
        return sum(last - first + 1 for first, last in gaps)

    def complete(self, status: EpochStatus) -> bool:
        """Whether all up to the newest checkpoint is here; `from_now`: from the first that came.

        What lies between them is linked, and none of it contradicts the checkpoint.
        """
        if status.complete or not self._from_now:
            return status.complete
        sound = not status.conflicts and not status.broken
        reached = bool(status.upto) and (1, status.upto) not in status.gaps
        return sound and reached and not self.lacking(status)

    def all_complete(self, statuses: list[EpochStatus]) -> bool:
        """Whether there is an epoch, and each is complete; `from_now`: each of which one came."""
        statuses = self._real(statuses)
        if self._from_now:
            statuses = [each for each in statuses if each.events]
        return bool(statuses) and all(self.complete(each) for each in statuses)

    def wrong(self, statuses: Iterable[EpochStatus]) -> bool:
        """Whether there is anything that somebody should look at."""
        if any(self.counts[kind] for kind in ALARMS):
            return True
        return any(self.lacking(each) or each.conflicts or each.broken for each in statuses)

    def told(self, statuses: list[EpochStatus]) -> dict[str, Any]:
        """The summary, for machines."""
        statuses = self._real(statuses)
        return {
            "kind": "summary",
            "stations": len({each.source for each in statuses}),
            "events": self.counts[FindingKind.EVENT],
            "duplicates": self.counts[FindingKind.DUPLICATE],
            "lacking": sum(self.lacking(each) for each in statuses),
            "lost": sum(last - first + 1 for each in statuses for first, last in each.lost),
            "conflicts": max(
                self.counts[FindingKind.CONFLICT], sum(each.conflicts for each in statuses)
            ),
            "chain_broken": max(
                self.counts[FindingKind.CHAIN_BROKEN], sum(len(each.broken) for each in statuses)
            ),
            "invalid": self.counts[FindingKind.INVALID],
            "epochs": len(statuses),
            "complete": sum(self.complete(each) for each in statuses),
        }

    def text(self, statuses: list[EpochStatus]) -> str:
        """The summary, for people."""
        told = self.told(statuses)
        chain = f"broken at {told['chain_broken']}" if told["chain_broken"] else "ok"
        lost = f" (of these lost for good {told['lost']})" if told["lost"] else ""
        since = ", from the first event that came on" if self._from_now else ""
        return (
            f"stations {told['stations']}, events {told['events']}, duplicates "
            f"{told['duplicates']}, lacking {told['lacking']}{lost}, conflicts "
            f"{told['conflicts']}, "
            f"invalid {told['invalid']}, chain {chain}, "
            f"proved complete: {told['complete']} of {told['epochs']} epochs{since}"
        )
