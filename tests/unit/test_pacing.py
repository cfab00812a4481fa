from gatepost.pacing import Pace


def taken(pace: Pace, now: float) -> int:
    count = 0
    while pace.take(now):
        count += 1
    return count


def test_a_burst_and_then_the_pace() -> None:
    pace = Pace(per_s=10, burst=5)
    assert taken(pace, 100.0) == 5
    assert taken(pace, 100.0) == 0
    assert taken(pace, 100.25) == 2
    assert taken(pace, 100.3125) == 1  # what is left of a part counts
    assert taken(pace, 900.0) == 5  # a long rest saves nothing up


def test_over_any_long_time_the_pace_holds() -> None:
    pace, now, count = Pace(per_s=500, burst=20), 0.0, 0
    while now < 10:
        count += taken(pace, now)
        now += 0.0101
    assert 4950 <= count <= 5020


def test_what_is_taken_at_once_is_counted() -> None:
    pace = Pace(per_s=1, burst=8)
    assert pace.room(5.0) == 8
    pace.use(6)
    assert pace.room(5.0) == 2
