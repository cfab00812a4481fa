"""A Debian with libcamera's virtual camera and the real Picamera2, as a folder to chroot into.

Built once (two minutes) and kept in the user's cache, under a name that is made of its recipe.
It holds nothing of the checkout: that is mounted for each run, in a mount namespace of its own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from guest_root import CHECKOUT, find, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SUITE, PYTHON = "trixie", "3.13"
HOW = "make bench-camera builds it, as root"
_TOOLS = {"mmdebstrap": "mmdebstrap", "chroot": "coreutils", "unshare": "util-linux"}
_PACKAGES = (
    "python3", "python3-libcamera", "libcamera-ipa", "libcamera-tools", "python3-prctl",
    "python3-pip", "python3-setuptools", "python3-wheel", "python3-dev", "gcc", "libc6-dev",
)  # fmt: skip
# picamera2 names GUI and GPU parts as its own needs: only what an import of it takes is here.
_PICAMERA2 = (
    "picamera2==0.3.38", "videodev2==0.0.4", "simplejpeg>=1.9,<2", "piexif>=1.1,<2", "tqdm>=4,<5",
)  # fmt: skip
_WHEELS = (
    "numpy>=2,<3", "opencv-python-headless>=4.8,<6", "zxing-cpp>=2.2,<4", "Pillow>=9.4",
    "jsonschema>=4.18,<5", "av>=12", "cryptography>=42",
)  # fmt: skip
_SOURCES = ("PiDNG>=4,<5", "zbar-py>=1.0.4,<2")  # without wheels
_PACKAGED = f"usr/local/lib/python{PYTHON}/dist-packages"
# Picamera2 imports the KMS++ of a Pi's own screen, for windows that nobody opens here.
_FILES = {
    f"{_PACKAGED}/pykms.py": "class PixelFormat:\n    RGB888 = BGR888 = ARGB8888 = ABGR8888 = 0\n"
    "    XRGB8888 = XBGR8888 = YUV420 = YVU420 = NV12 = NV21 = YUYV = YVYU = UYVY = VYUY = 0\n"
}
_YAML = "usr/share/libcamera/pipeline/virtual/virtual.yaml"
_SHIM = Path(__file__).with_name("camera_shim.c")
_SHIM_LIBRARY = "usr/local/lib/camera_shim.so"
_MOUNTED = {"firmware": "srv/firmware", "tests": "srv/tests"}


@dataclass(frozen=True, slots=True)
class VirtualCamera:
    """One camera of libcamera's virtual pipeline.

    Attributes:
        frames: a folder of pictures, 0.jpg, 1.jpg, ...; given in turn, over and over.
        size: width and height, pixels.
    """

    frames: Path
    size: tuple[int, int] = (1280, 720)


def lacking() -> str:
    """Why no such root can be built or used here, in words; "" where one can."""
    missing = [package for tool, package in _TOOLS.items() if find(tool) is None]
    if missing:
        return f"install {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "only root can build a Debian and chroot into it"


def folder() -> Path:
    """Where it lies, or would."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gatepost"
    recipe = (SUITE, PYTHON, _PACKAGES, _PICAMERA2, _WHEELS, _SOURCES, _FILES, _SHIM.read_text())
    return home / f"camera-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]}"


def cached() -> Path | None:
    """The root, where it was built before."""
    made = folder()
    return made / "root" if (made / "done").exists() else None


def root(say: Callable[[str], None]) -> Path:
    """The root as its recipe says, built where it is not there yet. Raises GuestError."""
    made = folder()
    if (found := cached()) is not None:
        return found
    say(f"building the camera's Debian once, into {made} (some minutes)")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    files = made / "root"
    _bootstrap(files)
    say("camera: Picamera2, the decoders and their like")
    _install(files)
    for name, text in _FILES.items():
        (files / name).write_text(text, "utf-8")
    for inside in _MOUNTED.values():
        (files / inside).mkdir()
    yaml = files / _YAML
    yaml.parent.mkdir(parents=True, exist_ok=True)
    yaml.touch()
    (made / "done").touch()
    return files


def run_within(
    files: Path,
    cameras: Sequence[VirtualCamera],
    module: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    bound_s: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run a module of tests/ with the root's own Python, before these cameras.

    Raises subprocess.TimeoutExpired after `bound_s` seconds; it and its children are ended then.
    """
    with tempfile.TemporaryDirectory(prefix="gatepost-camera-") as scratch:
        config = Path(scratch) / "virtual.yaml"
        config.write_text(_configured(cameras), "utf-8")
        # The namespaces end, and with them mounts and processes, as the first process ends.
        script = [
            f"set -e; mount -t proc proc {files}/proc",
            f"mount --bind {config} {files / _YAML}",
            f"mount -t tmpfs tmpfs {files}/mnt",
            *(
                f"mount --bind -o ro {CHECKOUT / each} {files / inside}"
                for each, inside in _MOUNTED.items()
            ),
            *(
                f"mkdir {files}/mnt/{number}; mount --bind {camera.frames} {files}/mnt/{number}"
                for number, camera in enumerate(cameras)
            ),
            f'exec chroot {files} env LD_PRELOAD=/{_SHIM_LIBRARY} python{PYTHON} -m "$@"',
        ]
        return subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
             "; ".join(script), "sh", module, *arguments],
            env=_environment(environment or {}),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=bound_s,
            check=False,
        )  # fmt: skip


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/root",
        "PYTHONPATH": "/srv/firmware:/srv/tests:/srv/tests/faults",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LIBCAMERA_LOG_LEVELS": "*:ERROR",
        **more,
    }


def _configured(cameras: Sequence[VirtualCamera]) -> str:
    """The virtual pipeline's own configuration (libcamera, virtual.yaml's README)."""
    texts = ["%YAML 1.1\n---\n"]
    for number, camera in enumerate(cameras):
        width, height = camera.size
        texts.append(
            f'"Virtual{number}":\n'
            f"  supported_formats:\n  - width: {width}\n    height: {height}\n"
            "    frame_rates:\n    - 30\n    - 60\n"
            f'  frames:\n    path: "/mnt/{number}"\n'
            f'  location: "CameraLocationFront"\n  model: "imx708"\n'
        )
    return "".join(texts)


def _bootstrap(files: Path) -> None:
    run(
        find("mmdebstrap") or "mmdebstrap", "--variant=minbase", "--mode=root", "--quiet",
        f"--include={','.join(_PACKAGES)}",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        SUITE, files,
    )  # fmt: skip


def _install(files: Path) -> None:
    """Wheels come through this computer's pip; what has none is compiled by the root's own."""
    pip = (sys.executable, "-m", "pip")
    target = files / _PACKAGED
    platforms = [f"--platform=manylinux_2_{minor}_x86_64" for minor in range(41, 16, -1)]
    wheels = (
        *pip, "install", "--quiet", "--no-compile", "--target", target, "--python-version", PYTHON,
        "--only-binary=:all:", *platforms, "--platform=manylinux2014_x86_64",
    )  # fmt: skip
    run(*wheels, *_WHEELS)
    run(*wheels, "--no-deps", "--upgrade", *_PICAMERA2)
    sources = files / "srv/sources"
    sources.mkdir()
    run(*pip, "download", "--quiet", "--no-deps", "--no-binary=:all:", "-d", sources, *_SOURCES)
    shutil.copy(_SHIM, sources)
    packed = [f"/srv/sources/{path.name}" for path in sources.glob("*.tar.gz")]
    run(
        "chroot", files, "/usr/bin/python3", "-m", "pip", "install", "--quiet", "--no-index",
        "--no-deps", "--no-build-isolation", "--break-system-packages", *packed,
    )  # fmt: skip
    shim = ("-shared", "-fPIC", "-O2", "-o", f"/{_SHIM_LIBRARY}", f"/srv/sources/{_SHIM.name}")
    run("chroot", files, "gcc", *shim, "-ldl")
    shutil.rmtree(sources)
