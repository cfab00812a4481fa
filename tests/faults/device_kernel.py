"""What the guest's kernel and Python need, and nobody offers built: two modules, three wheels.

GPIO lines are those of the kernel's own gpio-sim, which Debian leaves out of its kernels: it is
built from Debian's source of the same kernel. The OLED's bus is a module of ours: i2c-stub takes
no plain I2C messages. Everything is built in a workshop, a Debian of its own that is thrown away.
"""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from typing import TYPE_CHECKING

from guest_root import CHECKOUT, UNBUILT, GuestError, bootstrap, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_SHOP = (
    "linux-headers-amd64", "linux-source", "make", "gcc", "libc6-dev", "xz-utils", "kmod",
    "python3-dev", "python3-pip", "python3-setuptools", "python3-wheel", "swig",
)  # fmt: skip
_SIMULATED = ("drivers/gpio/gpio-sim.c", "kernel/irq/irq_sim.c")
_PULLED = (
    "\t\t__assign_bit(offset, chip->value_map,\n\t\t\t     !!test_bit(offset, chip->pull_map));"
)
_ADAPTED = {
    # Part of the kernel where it is chosen, it may call what modules may not.
    "irq_sim.c": {
        "handle_simple_irq(irq_to_desc(irqnum));": (
            "handle_simple_irq(irq_data_to_desc(irq_get_irq_data(irqnum)));"
        ),
        "EXPORT_SYMBOL_GPL(": "// EXPORT_SYMBOL_GPL(",
    },
    # An output that nobody holds any more stays as it was driven, as on Raspberry Pi OS
    # (persist_gpio_outputs); with the parameter off, its pull decides, as in mainline.
    "gpio-sim.c": {
        "static DEFINE_IDA(gpio_sim_ida);": (
            "static DEFINE_IDA(gpio_sim_ida);\nstatic bool persist_gpio_outputs = true;\n"
            "module_param(persist_gpio_outputs, bool, 0644);"
        ),
        _PULLED: (
            "\t\tif (!persist_gpio_outputs || test_bit(offset, chip->direction_map))\n"
            "\t\t\t__assign_bit(offset, chip->value_map,\n"
            "\t\t\t\t     !!test_bit(offset, chip->pull_map));"
        ),
    },
}
_KBUILD = "obj-m := gpio-sims.o oled-sim.o\ngpio-sims-y := gpio-sim.o irq_sim.o\n"
_OLED = """\
// SPDX-License-Identifier: GPL-2.0
// An I2C bus 1 with one device that takes whatever is written, as an SSD1306 at 0x3c does.
#include <linux/i2c.h>
#include <linux/module.h>

static bool fitted = true;  // whether it answers
module_param(fitted, bool, 0644);
static ulong written;  // bytes that it took
module_param(written, ulong, 0444);

static int oled_xfer(struct i2c_adapter *adapter, struct i2c_msg *messages, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		if (messages[i].addr != 0x3c || !fitted)
			return -EREMOTEIO;
		if (messages[i].flags & I2C_M_RD)
			memset(messages[i].buf, 0, messages[i].len);
		else
			written += messages[i].len;
	}
	return count;
}

static u32 oled_functions(struct i2c_adapter *adapter)
{
	return I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
}

static const struct i2c_algorithm oled_algorithm = {
	.master_xfer = oled_xfer,
	.functionality = oled_functions,
};

static struct i2c_adapter oled_adapter = {
	.owner = THIS_MODULE,
	.algo = &oled_algorithm,
	.name = "oled-sim",
	.nr = 1,
};

static int __init oled_init(void)
{
	return i2c_add_numbered_adapter(&oled_adapter);
}

static void __exit oled_exit(void)
{
	i2c_del_adapter(&oled_adapter);
}

module_init(oled_init);
module_exit(oled_exit);
MODULE_DESCRIPTION("An OLED that takes whatever is written");
MODULE_LICENSE("GPL");
"""
RECIPE = (_SHOP, _SIMULATED, _ADAPTED, _KBUILD, _OLED, UNBUILT)


def build_kernel_parts(files: Path, packaged: Path, say: Callable[[str], None]) -> None:
    """Build the modules for the kernel in the root `files`, the wheels into `packaged`.

    Raises GuestError.
    """
    shop = files.parent / "workshop"
    say("guest: a workshop for its modules and wheels")
    bootstrap(shop, _SHOP)
    say("guest: gpio-sim, the OLED's bus, and the wheels that PyPI lacks")
    _wheels(shop, packaged)
    _modules(shop, files)
    shutil.rmtree(shop)


def _modules(shop: Path, files: Path) -> None:
    version = _version(files)
    if version != _version(shop):
        raise GuestError("Debian changed its kernel between two downloads: try again")
    place = shop / "root/modules"
    place.mkdir()
    packed = next((shop / "usr/src").glob("linux-source-*.tar.xz"))
    name = packed.name.removesuffix(".tar.xz")
    members = [f"{name}/{each}" for each in _SIMULATED]
    run("tar", "xJf", packed, "-C", place, "--strip-components=3", *members)
    for source, changes in _ADAPTED.items():
        _adapt(place / source, changes)
    (place / "oled-sim.c").write_text(_OLED, "utf-8")
    (place / "Kbuild").write_text(_KBUILD, "utf-8")
    run("chroot", shop, "make", "-C", f"/lib/modules/{version}/build", "M=/root/modules", "modules")
    extra = files / "usr/lib/modules" / version / "extra"
    extra.mkdir(exist_ok=True)
    for built in place.glob("*.ko"):
        run("chroot", shop, "strip", "--strip-debug", f"/root/modules/{built.name}")
        shutil.copy(built, extra)
    run("chroot", files, "depmod", version)


def _adapt(path: Path, changes: Mapping[str, str]) -> None:
    source = path.read_text("utf-8")
    for there, ours in changes.items():
        if there not in source:
            raise GuestError(f"Debian's {path.name} is another one by now: no {there!r} in it")
        source = source.replace(there, ours)
    path.write_text(source, "utf-8")


def _version(files: Path) -> str:
    return next((files / "usr/lib/modules").iterdir()).name


def _wheels(shop: Path, packaged: Path) -> None:
    """As a station's own installation builds them; pip's downloads come from outside."""
    place = shop / "root/wheels"
    place.mkdir()
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    for wanted in sdists():
        name = re.split(r"[<>=~!]", wanted, maxsplit=1)[0]
        run(*pip, "download", "--no-deps", f"--no-binary={name}", "--dest", place, wanted)
    for sdist in sorted(place.glob("*.tar.gz")):
        # PYPI=1: lgpio with its C library in it, as its wheel for a Pi has.
        build = ("pip3", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation")
        packed = f"/root/wheels/{sdist.name}"
        run("chroot", shop, "env", "PYPI=1", *build, "--wheel-dir", "/root/wheels", packed)
    for wheel in place.glob("*.whl"):
        run("chroot", shop, "python3", "-m", "zipfile", "-e", f"/root/wheels/{wheel.name}",
            "/root/packages")  # fmt: skip
    shutil.copytree(shop / "root/packages", packaged, dirs_exist_ok=True)


def sdists() -> list[str]:
    """The requirements that have no wheel, without their markers."""
    told = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [each.split(";")[0] for each in told["optional-dependencies"]["station"]]
    return [each for each in wanted if each.startswith(UNBUILT)]
