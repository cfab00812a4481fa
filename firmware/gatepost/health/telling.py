"""What the uplink's facts are in a health report."""

from __future__ import annotations

from typing import Protocol

_MOST_WHY = 300


class Delivery(Protocol):
    """What the uplink knows of its sessions with the broker since the start.

    Attributes:
        connected: there is one now; else `problem` and `why`: for which there is none.
        sessions, lost: how many began, and how many ended by themselves.
        last_problem, last_why, last_at_us: of the last that was not reached or was lost, and
            when (wall clock, microseconds); "" and 0: none yet.
    """

    connected: bool
    problem: str
    why: str
    sessions: int
    lost: int
    last_problem: str
    last_why: str
    last_at_us: int


def delivery(facts: Delivery) -> dict[str, int | str]:
    """For a report. What is over is told too: two stations with one id take turns in this."""
    told: dict[str, int | str] = {"broker_sessions": facts.sessions, "broker_lost": facts.lost}
    if not facts.connected:
        told["broker_why"] = facts.why[:_MOST_WHY]
        if facts.problem:  # else it was not tried yet
            told["broker_problem"] = facts.problem
    if facts.last_problem:
        told |= {
            "broker_last_problem": facts.last_problem,
            "broker_last_why": facts.last_why[:_MOST_WHY],
            "broker_last_at_us": facts.last_at_us,
        }
    return told
