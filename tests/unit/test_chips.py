"""The GPIO chip is found by its label, whatever its number; gpiozero's real pins over a kernel."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from gpio_kernel import Chip, Kernel, Lgpio

from gatepost.config import LampConfig, RelayConfig
from gatepost.drivers.chips import Pins, library
from gatepost.drivers.lamp import Lamp
from gatepost.drivers.lines import KNOWN
from gatepost.drivers.relay import Relay
from gatepost.errors import DeviceAbsent, DeviceError
from gatepost.model import Cue, CueKind

LAMP = LampConfig(red=17, green=27, blue=22)
ACCEPTED = Cue(CueKind.ACCEPTED)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


@pytest.fixture
def lgpio(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> Lgpio:
    fake = Lgpio(kernel)
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    monkeypatch.setitem(sys.modules, "lgpio", fake)
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)
    return fake


def pi5_of_2023(kernel: Kernel) -> Chip:
    """Its header was the last of five chips; later it became the first."""
    for number in range(4):
        kernel.add(f"gpiochip{number}", f"gpio-brcmstb@107d50850{number}")
    return kernel.add("gpiochip4", "pinctrl-rp1")


def test_the_header_of_a_pi_5_is_found_under_its_old_number(kernel: Kernel, lgpio: Lgpio) -> None:
    header = pi5_of_2023(kernel)
    with Lamp(LAMP, Pins("pinctrl-rp1", 0xC04170, kernel.lines())) as lamp:
        lamp.show(ACCEPTED)
        assert lgpio.opened == [4]
        assert [header.lines[pin].high for pin in (17, 27, 22)] == [False, True, False]


def test_a_link_under_a_former_number_is_not_another_chip(kernel: Kernel, lgpio: Lgpio) -> None:
    kernel.add("gpiochip10", "pinctrl-rp1")
    (kernel.dev / "gpiochip4").symlink_to("gpiochip10")
    with Lamp(LAMP, Pins("pinctrl-rp1", lines=kernel.lines())):
        assert lgpio.opened == [10]


@pytest.mark.parametrize("label", KNOWN)
def test_without_a_profile_any_known_board_s_chip_is_taken(
    kernel: Kernel, lgpio: Lgpio, label: str
) -> None:
    kernel.add("gpiochip0", "raspberrypi-exp-gpio")
    header = kernel.add("gpiochip1", label)
    with Lamp(LAMP, Pins(lines=kernel.lines())) as lamp:
        lamp.show(ACCEPTED)
        assert header.lines[27].high
        assert lgpio.opened == [1]


def test_a_missing_chip_is_told_with_those_that_are_there(kernel: Kernel, lgpio: Lgpio) -> None:
    kernel.add("gpiochip0", "pinctrl-bcm2711")
    kernel.add("gpiochip10", "raspberrypi-exp-gpio")
    wanted = "no GPIO chip pinctrl-rp1: there are pinctrl-bcm2711, raspberrypi-exp-gpio"
    with pytest.raises(DeviceAbsent, match=f"lamp: {wanted}"):
        Lamp(LAMP, Pins("pinctrl-rp1", lines=kernel.lines())).__enter__()
    assert lgpio.opened == []


def test_a_machine_without_chips_says_so(kernel: Kernel, lgpio: Lgpio) -> None:
    with pytest.raises(DeviceAbsent, match="there is none at all"):
        Lamp(LAMP, Pins(lines=kernel.lines())).__enter__()
    assert lgpio.opened == []


def test_a_chip_that_may_not_be_opened_is_no_absent_one(kernel: Kernel, lgpio: Lgpio) -> None:
    (kernel.dev / "gpiochip0").mkdir()  # cannot be opened for writing, by root neither
    with pytest.raises(DeviceError, match="gpiochip0: Is a directory") as caught:
        Lamp(LAMP, Pins(lines=kernel.lines())).__enter__()
    assert not isinstance(caught.value, DeviceAbsent)
    assert lgpio.opened == []


def test_a_chip_that_comes_later_is_found_then(kernel: Kernel, lgpio: Lgpio) -> None:
    pins = Pins("pinctrl-rp1", lines=kernel.lines())
    with pytest.raises(DeviceAbsent):
        Lamp(LAMP, pins).__enter__()
    kernel.add("gpiochip0", "pinctrl-rp1")
    with Lamp(LAMP, pins):
        assert lgpio.opened == [0]


@pytest.mark.usefixtures("lgpio")
def test_a_line_of_another_program_is_told_with_its_name_and_taken_once_it_is_free(
    kernel: Kernel,
) -> None:
    chip = kernel.add("gpiochip0", "pinctrl-bcm2711")
    chip.lines[27].holder = "gpioset"
    pins = Pins(lines=kernel.lines())
    told = "lamp: GPIO 27 of pinctrl-bcm2711 is held by gpioset"
    with pytest.raises(DeviceError, match=told) as caught:
        Lamp(LAMP, pins).__enter__()
    del caught  # its frames hold what was half made
    gc.collect()
    chip.lines[27].release()
    with Lamp(LAMP, pins) as lamp:
        lamp.show(ACCEPTED)
        assert chip.lines[27].high


@pytest.mark.usefixtures("lgpio")
def test_a_holder_s_name_is_harmless(kernel: Kernel) -> None:
    chip = kernel.add("gpiochip0", "pinctrl-bcm2711")
    chip.lines[17].holder = "a\x1b[2J\nb"
    with pytest.raises(DeviceError, match=r"held by a\?\[2J\?b$"):
        Lamp(LAMP, Pins(lines=kernel.lines())).__enter__()


@pytest.mark.usefixtures("lgpio")
def test_a_relay_that_rests_high_is_never_low_while_it_is_opened_and_closed(
    kernel: Kernel,
) -> None:
    chip = kernel.add("gpiochip0", "pinctrl-bcm2711")
    with Relay(RelayConfig(pin=5, idle="high"), Pins(lines=kernel.lines())):
        assert chip.lines[5].diary == ["in", "high"]
    assert chip.lines[5].output
    assert set(chip.lines[5].diary) == {"in", "high"}


@pytest.mark.usefixtures("lgpio")
def test_a_relay_asks_and_rests_as_its_levels_say(kernel: Kernel) -> None:
    chip = kernel.add("gpiochip0", "pinctrl-rp1")
    with Relay(RelayConfig(pin=5, idle="low", pulse_s=0.05), Pins(lines=kernel.lines())) as relay:
        relay.show(ACCEPTED)
        assert relay._player.finished(wait_s=5)
        assert chip.lines[5].diary == ["in", "low", "high", "low"]


def test_all_outputs_share_one_chip_and_none_takes_the_pin_of_another(
    kernel: Kernel, lgpio: Lgpio
) -> None:
    kernel.add("gpiochip0", "pinctrl-rp1")
    pins = Pins(lines=kernel.lines())
    with Lamp(LAMP, pins), pytest.raises(DeviceError, match=r"relay: .*already in use"):
        Relay(RelayConfig(pin=17, idle="low"), pins).__enter__()
    assert lgpio.opened == [0]


def test_lgpio_that_is_not_installed_is_told(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    monkeypatch.setitem(sys.modules, "lgpio", None)
    kernel.add("gpiochip0", "pinctrl-rp1")
    with pytest.raises(DeviceAbsent, match=r"lamp: no pins here: .*lgpio is not installed"):
        Lamp(LAMP, Pins(lines=kernel.lines())).__enter__()


def test_where_gpiozero_is_told_to_use_other_pins_it_does(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    assert Pins(lines=kernel.lines())() is None
    assert kernel.calls == 0


LIKE_LGPIO = """\
import os
os.chdir(os.environ["LG_WD"])
os.mkfifo(".lgd-nfy0")
made = os.getcwd()
"""


def test_loading_lgpio_leaves_no_file_behind_and_us_where_we_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lgpio.py").write_text(LIKE_LGPIO)
    run = tmp_path / "run"
    run.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lgpio", raising=False)
    monkeypatch.delenv("LG_WD", raising=False)
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{run}:/run/other")
    before = Path.cwd()
    made = Path(library().made)
    del sys.modules["lgpio"]  # the patch would put it back
    assert made.parent == run
    assert list(run.iterdir()) == []
    assert Path.cwd() == before
    assert "LG_WD" not in os.environ


def test_lgpio_that_cannot_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lgpio.py").write_text("raise FileNotFoundError(2, 'No such file', '.lgd-nfy-3')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lgpio", raising=False)
    with pytest.raises(DeviceAbsent, match=r"lgpio cannot start: .*lgd-nfy-3"):
        library()


REAL = """\
import os
from gatepost.drivers.chips import library
os.chdir("/proc")
lgpio = library()
assert os.getcwd() == "/proc"
assert lgpio._notify_thread.is_alive()
"""


@pytest.mark.skipif(find_spec("lgpio") is None, reason="lgpio is not installed")
def test_the_real_lgpio_starts_in_a_folder_that_cannot_be_written() -> None:
    ran = subprocess.run([sys.executable, "-c", REAL], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
