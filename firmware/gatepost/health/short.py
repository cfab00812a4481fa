"""A health report in four short lines: for the small screen, when the button is pressed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH, LINES = 16, 4
_WORDS = {
    "en": {
        "online": "online",
        "offline": "offline",
        "net": "net",
        "waiting": "to send",
        "sent": "all sent",
        "power": "low power",
        "temperature": "too hot",
        "card": "check card",
        "disk": "card full",
        "certificate": "certificate",
        "well": "all well",
        "trouble": "trouble",
        "no clock": "no time yet",
    },
    "vi": {
        "online": "Có mạng",
        "offline": "Mất mạng",
        "net": "Mạng",
        "waiting": "Chờ gửi",
        "sent": "Đã gửi hết",
        "power": "điện yếu",
        "temperature": "quá nóng",
        "card": "kiểm tra thẻ",
        "disk": "thẻ gần đầy",
        "certificate": "chứng chỉ",
        "well": "tốt",
        "trouble": "sự cố",
        "no clock": "chưa có giờ",
    },
}
_BROKER = {
    "en": {
        "name-not-resolved": "no DNS",
        "refused": "refused",
        "unreachable": "no route",
        "no-answer": "no answer",
        "not-authorised": "no right",
        "taken-over": "id taken",
        "closed": "closed",
        "certificate": "bad cert",
    },
    "vi": {
        "name-not-resolved": "lỗi DNS",
        "refused": "từ chối",
        "unreachable": "mất tuyến",
        "no-answer": "không đáp",
        "not-authorised": "không quyền",
        "taken-over": "trùng id",
        "closed": "bị ngắt",
        "certificate": "chứng chỉ",
    },
}


def brief(report: Mapping[str, Any], language: str) -> list[str]:
    """At most 4 lines of at most 16 characters: who, network, what waits, how the machine is.

    Args:
        report: as Health.report gives it; with "station", the first line says which it is.
        language: "vi" or "en"; any other is taken for English.
    """
    words = _WORDS.get(language, _WORDS["en"])
    lines = [
        str(report.get("station", "")),
        _network(report, words, _BROKER.get(language, _BROKER["en"])),
        _waiting(report, words),
        _machine(report, words),
    ]
    return [line[:WIDTH].rstrip() for line in lines if line][:LINES]


def _network(report: Mapping[str, Any], words: Mapping[str, str], why: Mapping[str, str]) -> str:
    if "broker_why" not in report:
        return words["online"]
    problem = str(report.get("broker_problem", ""))
    short = why.get(problem) or why.get(problem.partition("-")[0], problem)
    if not short:
        return words["offline"]
    # Alone it may be read as of a visitor: "từ chối" is "refused".
    told = (f"{words['offline']}: {short}", f"{words['net']}: {short}", short)
    return next(line for line in told if len(line) <= WIDTH or line is short)


def _waiting(report: Mapping[str, Any], words: Mapping[str, str]) -> str:
    pending = report.get("spool_pending")
    if not isinstance(pending, int):
        return ""
    return f"{words['waiting']}: {pending}" if pending else words["sent"]


def _machine(report: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """The worst that is known; the temperature beside it, where there is room."""
    noted = [key.removeprefix("note_") for key in report if key.startswith("note_")]
    worst = next((words[part] for part in words if part in noted), "")
    if report.get("conditions"):
        worst = f"{words['trouble']}: {next(iter(report['conditions']))}"
    elif not worst and noted:
        worst = f"{words['trouble']}: {noted[0]}"
    elif not worst:
        worst = words["no clock"] if report.get("clock") == "unsynchronised" else words["well"]
    degrees = report.get("temperature_mc")
    if isinstance(degrees, int) and len(f"{degrees / 1000:.0f}°C {worst}") <= WIDTH:
        return f"{degrees / 1000:.0f}°C {worst}"
    return worst
