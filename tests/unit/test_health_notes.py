from __future__ import annotations

import pytest

from gatepost.health.noting import PARTS, notes
from gatepost.health.rates import Rates
from gatepost.health.short import LINES, WIDTH, brief
from gatepost.spool import Flushes

WELL: dict[str, int | str] = {
    "temperature_mc": 51_234,
    "power_low": 0,
    "throttled": 0,
    "throttled_bits": 0,
    "card_errors": 0,
    "card_read_only": 0,
    "card_used_percent": 30,
    "card_spare_state": 1,
    "disk_free_bytes": 10 << 30,
    "disk_total_bytes": 30 << 30,
    "wall_us": 1_000,
    "certificate_ends_us": 400 * 86_400_000_000,
}


def noted(before: dict[str, str] | None = None, **changed: int | str) -> dict[str, str]:
    found = notes({**WELL, **changed}, before or {})
    return {part: note.text for part, note in found.items()}


def test_of_a_machine_that_is_well_or_tells_nothing_nothing_is_noted() -> None:
    assert noted() == {}
    assert notes({}, {}) == {}
    assert notes(dict.fromkeys(WELL, "odd"), {}) == {}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("power_low", 1, {"power": "under-voltage"}),
        ("temperature_mc", 80_000, {"temperature": "too hot"}),
        ("temperature_mc", 79_999, {}),
        ("throttled", 1, {"temperature": "slowed down"}),
        ("card_read_only", 1, {"card": "read-only"}),
        ("card_errors", 1, {"card": "has errors"}),
        ("card_used_percent", 90, {"card": "worn out soon"}),
        ("card_used_percent", 80, {}),
        ("card_spare_state", 2, {"card": "worn out soon"}),
        ("disk_free_bytes", 1 << 30, {"disk": "nearly full"}),
        ("disk_free_bytes", 2 << 30, {}),
        ("certificate_ends_us", 20 * 86_400_000_000, {"certificate": "ends soon"}),
        ("certificate_ends_us", 1_000, {"certificate": "has ended"}),
    ],
)
def test_what_a_technician_should_see_to(name: str, value: int, told: dict[str, str]) -> None:
    assert noted(**{name: value}) == told
    assert set(told) <= set(PARTS)


def test_heat_that_goes_up_and_down_is_noted_once() -> None:
    assert noted({"temperature": "too hot"}, temperature_mc=78_000) == {"temperature": "too hot"}
    assert noted({"temperature": "too hot"}, temperature_mc=76_999) == {}


def test_a_processor_slowed_by_its_supply_is_not_told_to_be_hot() -> None:
    assert noted(power_low=1, throttled=1) == {"power": "under-voltage"}


# --- four short lines


@pytest.mark.parametrize("language", ["vi", "en", "xx"])
@pytest.mark.parametrize("pending", [0, 7, 2**53 - 1])
@pytest.mark.parametrize(
    "problem", ["", "refused", "certificate-expired", "name-not-resolved", "new"]
)
@pytest.mark.parametrize(
    "more",
    [{}, {"note_power": "x"}, {"note_odd part": "x"}, {"conditions": {"reader door": "absent"}}],
)
def test_whatever_is_told_fits_the_small_screen(
    language: str, pending: int, problem: str, more: dict[str, object]
) -> None:
    lines = brief(
        {"station": "s" * 63, "broker_why": "x", "broker_problem": problem, **more}
        | {"spool_pending": pending, "temperature_mc": -5_000, "clock": "unsynchronised"},
        language,
    )
    assert len(lines) == LINES
    assert all(0 < len(line) <= WIDTH for line in lines), lines


def test_a_station_that_is_well_in_both_languages() -> None:
    report = {"station": "gp-7f3a9c", "spool_pending": 0, "temperature_mc": 51_234}
    report["clock"] = "synchronised"
    assert brief(report, "vi") == ["gp-7f3a9c", "Có mạng", "Đã gửi hết", "51°C tốt"]
    assert brief(report, "en") == ["gp-7f3a9c", "online", "all sent", "51°C all well"]


def test_why_there_is_no_network_and_what_is_noted_stand_there() -> None:
    report = {"broker_why": "no broker listens", "broker_problem": "refused", "spool_pending": 12}
    report |= {"temperature_mc": 62_000, "note_power": "under-voltage"}
    assert brief(report, "vi") == ["Mạng: từ chối", "Chờ gửi: 12", "62°C điện yếu"]
    assert brief(report, "en") == ["offline: refused", "to send: 12", "62°C low power"]
    report |= {"broker_problem": "no-answer", "note_card": "worn out soon"}
    del report["note_power"]
    assert brief(report, "en") == ["net: no answer", "to send: 12", "62°C check card"]
    assert brief(report, "vi")[-1] == "kiểm tra thẻ"


def test_trouble_goes_before_a_note() -> None:
    report = {"conditions": {"oled": "no answer"}, "note_power": "under-voltage"}
    assert brief(report, "en")[-1] == "trouble: oled"


def test_a_station_that_knows_nothing_has_lines_all_the_same() -> None:
    assert brief({}, "en") == ["online", "all well"]


# --- rates and flushes


def test_frames_a_minute_are_those_of_the_last_minute() -> None:
    counts = {"frames_min_door": 0}
    rates = Rates(lambda: counts)
    assert rates.per_minute() == {}
    for beat in range(30):
        counts["frames_min_door"] += 150 if beat < 15 else 50
        rates.sample(beat * 5.0)
    assert rates.per_minute() == {"frames_min_door": 600}


def test_a_count_that_began_anew_and_a_clock_that_stands_give_no_wild_rates() -> None:
    counts = {"frames_min_door": 100}
    rates = Rates(lambda: counts)
    rates.sample(0.0)
    rates.sample(0.0)
    assert rates.per_minute() == {}
    counts["frames_min_door"] = 0
    rates.sample(5.0)
    assert rates.per_minute() == {"frames_min_door": 0}


def test_flush_times_are_those_of_the_last_thousand_and_the_longest_of_all() -> None:
    flushes = Flushes()
    assert flushes.told() == {}
    flushes.took(2.0)
    for number in range(1000):
        flushes.took(number / 1000)
    assert flushes.told() == {
        "flushes": 1001,
        "flush_p50_us": 500_000,
        "flush_p99_us": 990_000,
        "flush_most_us": 2_000_000,
    }
