"""A status report as a page for people. Pure; what is not known has no line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatepost.logs import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LABEL = 13
_DAY_S = 86_400
_GIB, _MIB = 1 << 30, 1 << 20


def page(told: Mapping[str, Any]) -> str:
    """The report as lines of a label and what is known, the trouble first."""
    health = told.get("health") or {}
    lines = [*_trouble(told), *_own(told, health), *_readers(told), *_delivery(told, health)]
    lines += [*_card(health), *_machine(health), *_time(health)]
    return "\n".join(f"{label:>{_LABEL}}  {plain(words)}" for label, words in lines)


def _trouble(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    conditions, notes = told.get("conditions") or {}, told.get("notes") or {}
    yield "station", f"{told.get('station')} at {told.get('site')}"
    if not conditions and not notes:
        yield "state", "well"
    for part, text in conditions.items():
        yield "TROUBLE", f"{part}: {text}"
    for part, text in notes.items():
        yield "see to", f"{part}: {text}"


def _own(told: Mapping[str, Any], health: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    words = [f"{health.get('firmware')}, process {told.get('pid')}"]
    words += [f"up {_span(health['uptime_s'])}"] if "uptime_s" in health else []
    words += [f"the machine {_span(health['boot_us'] // 1_000_000)}"] if "boot_us" in health else []
    words += [f"{health['crashes']} crashes known"] if health.get("crashes") else []
    yield "gatepost", ", ".join(words)
    applied = told.get("applied")
    if applied:
        rules, trust = (applied.get(name) or "built in" for name in ("rules", "trust"))
        yield "applied", f"rules {rules}, trust list {trust}"
    if told.get("signals"):
        yield "signals", ", ".join(map(str, told["signals"]))


def _readers(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for each in told.get("readers") or ():
        words = ["works" if each.get("working") else "gives nothing"]
        if "frames_s" in each:
            words.append(f"{each['frames_s']} frames/s")
        words.append(f"{each.get('scans')} scans")
        words += [f"{each[name]} {name}" for name in ("overflowed", "lossy") if each.get(name)]
        if "last_scan_s" in each:
            words.append(f"the last {_span(round(each['last_scan_s']))} ago")
        yield f"{each.get('name')}", ", ".join(words)
        passes = sorted((each.get("by_pass") or {}).items(), key=lambda item: -item[1])
        if passes:
            yield "read by", ", ".join(f"{name} {count}" for name, count in passes)


def _delivery(told: Mapping[str, Any], health: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    broker = told.get("broker") or {}
    where = f"{broker.get('host')}:{broker.get('port')}"
    if broker.get("connected"):
        yield "broker", f"connected to {where}"
    else:
        yield "broker", f"NOT connected to {where}: {health.get('broker_why', '?')}"
    if "broker_sessions" in health:
        lost = health.get("broker_lost", 0)
        yield "sessions", f"{health['broker_sessions']} since the start, {lost} broke off"
    if "spool_pending" in health:
        words = [f"{health.get('spool_newest')} events, {health['spool_pending']} not delivered"]
        for name, text in (("spool_unconfirmed", "not confirmed"), ("carried", "carried")):
            words += [f"{health[name]} {text}"] if health.get(name) else []
        if "spool_used_bytes" in health:
            words.append(_share(health["spool_used_bytes"], health.get("spool_most_bytes")))
        yield "spool", ", ".join(words)


def _card(health: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "disk_free_bytes" in health:
        total = health.get("disk_total_bytes")
        yield "disk", f"{_share(health['disk_free_bytes'], total)} free"
    words = [str(health[name]) for name in ("card_device", "card_name") if name in health]
    words += [f"made {health['card_made']}"] if "card_made" in health else []
    words += ["READ-ONLY"] if health.get("card_read_only") else []
    words += [f"{health['card_errors']} errors"] if "card_errors" in health else []
    words += [f"{health['card_used_percent']} % used"] if "card_used_percent" in health else []
    if "card_written_day_bytes" in health:
        words.append(f"{_size(health['card_written_day_bytes'])} written a day")
    if words:
        yield "card", ", ".join(words)
    if "flush_p50_us" in health:
        times = [health.get(f"flush_{name}_us", 0) / 1000 for name in ("p50", "p99", "most")]
        yield "flush", "half in {:.1f}, 99 % in {:.1f}, all in {:.1f} ms".format(*times)


def _machine(health: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    words = []
    if "temperature_mc" in health:
        words.append(f"{health['temperature_mc'] / 1000:.0f} °C")
    for name, now, was in (
        ("power_low", "UNDER-VOLTAGE NOW", "under-voltage before"),
        ("throttled", "SLOWED DOWN NOW", "slowed down before"),
    ):
        if health.get(name):
            words.append(now)
        elif health.get(f"{name}_seen"):
            words.append(was)
    if "cpu_khz" in health:
        words.append(f"{health['cpu_khz'] // 1000} MHz")
    if "load_milli" in health:
        words.append(f"load {health['load_milli'] / 1000:.2f}")
    if words:
        yield "machine", ", ".join(words)
    if "memory_rss_bytes" in health:
        peak, free = health.get("memory_peak_bytes"), health.get("memory_available_bytes")
        words = [f"{_size(health['memory_rss_bytes'])} ours"]
        words += [f"at most {_size(peak)}"] if peak else []
        words += [f"{_size(free)} left"] if free else []
        yield "memory", ", ".join(words)


def _time(health: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if health.get("clock") == "synchronised":
        yield "clock", f"synchronised within {health.get('bound_us', 0) / 1000:.0f} ms"
    elif "clock" in health:
        yield "clock", "not synchronised yet"
    if "certificate_ends_us" in health and "wall_us" in health:
        left_s = (health["certificate_ends_us"] - health["wall_us"]) // 1_000_000
        told = f"ends in {_span(left_s)}" if left_s > 0 else "HAS ENDED"
        yield "certificate", told


def _share(some: int, whole: int | None) -> str:
    return f"{_size(some)} of {_size(whole)}" if whole else _size(some)


def _size(count: int) -> str:
    if count >= _GIB:
        return f"{count / _GIB:.1f} GiB"
    return f"{count / _MIB:.1f} MiB"


def _span(seconds: int) -> str:
    """A time in its two largest units."""
    days, rest = divmod(max(0, seconds), _DAY_S)
    hours, minutes = rest // 3600, rest // 60 % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest % 60} s"
