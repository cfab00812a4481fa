"""What a Raspberry Pi camera is asked for, and what of its buffers is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatepost.drivers.exposure import ExposureGuard, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

# libcamera's enumerations (control_ids_core.yaml, control_ids_draft.yaml), as their integers.
_AF_MANUAL = 0
_AE_SHORT = 1
_AE_CENTRE_WEIGHTED = 0
_FLICKER_OFF = 0
_FLICKER_MANUAL = 1
_DENOISE_MINIMAL = 3
# That begin with a plane of luma, one byte a pixel. Asked for the first, a camera that has none
# gives another: libcamera's virtual one NV12.
FORMAT = "YUV420"
_WITH_LUMA = frozenset((FORMAT, "YVU420", "NV12", "NV21", "NV16", "NV61", "YUV422", "R8"))


def luma_of(
    buffer: npt.NDArray[np.uint8], width: int, height: int, stride: int
) -> npt.NDArray[np.uint8]:
    """The Y plane of a YUV420 (or NV12) `buffer`, uint8[N], as uint8[height,width]; a view.

    Each row takes `stride` bytes, of which the last are padding. Raises ValueError when
    the buffer is too small for that.
    """
    if width > stride or buffer.size < stride * height:
        raise ValueError(f"{width}x{height} with stride {stride} is not in {buffer.size} bytes")
    return buffer[: stride * height].reshape(height, stride)[:, :width]


def check_format(stream: Mapping[str, Any]) -> None:
    """Raises ValueError where what the camera gives does not begin with a plane of luma."""
    if str(stream["format"]) not in _WITH_LUMA:
        raise ValueError(f"gives {stream['format']} and not {FORMAT}: it has no plane of luma")


def controls_for(
    available: Mapping[str, Any], fps: int, lens_m: float, mains_hz: int = 50
) -> dict[str, Any]:
    """What to set of what the camera has: a fixed focus, short exposures, a steady rate.

    Autofocus hunts or sticks (picamera2 #1082, #1272): the lens stays at the mounting distance,
    given in dioptres, at most what it can do. `available` maps names to (least, most, default).
    Short exposures keep a moving phone sharp and its screen from glaring; those that lamps at
    `mains_hz` light are whole flickers of theirs (microseconds), so that no bands cross the code.
    The middle counts most, where codes are held. Denoising stays minimal: its better modes smear
    modules of few pixels, and cost the Pi time for colours that nobody looks at.
    """
    frame_us = round(1_000_000 / fps)
    wanted: dict[str, Any] = {
        "FrameDurationLimits": (frame_us, frame_us),
        "AeExposureMode": _AE_SHORT,
        "AeMeteringMode": _AE_CENTRE_WEIGHTED,
        "NoiseReductionMode": _DENOISE_MINIMAL,
        "AeFlickerMode": _FLICKER_MANUAL if mains_hz else _FLICKER_OFF,
    }
    if mains_hz:
        wanted["AeFlickerPeriod"] = round(500_000 / mains_hz)
    if "LensPosition" in available:
        nearest = float(available["LensPosition"][1])
        wanted |= {"AfMode": _AF_MANUAL, "LensPosition": min(1 / lens_m, nearest)}
    return {name: value for name, value in wanted.items() if name in available}


def guard_for(available: Mapping[str, Any], limits: Limits) -> ExposureGuard | None:
    """What keeps a camera within `limits`, and within what it can do; None: it cannot be set."""
    if "ExposureTime" not in available or "AnalogueGain" not in available:
        return None
    least, most = (float(bound) for bound in available["AnalogueGain"][:2])
    return ExposureGuard(limits._replace(least_gain=least, most_gain=min(limits.most_gain, most)))
