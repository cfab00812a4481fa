"""From a frame to its symbols; the only place that imports decoders."""

from __future__ import annotations

from gatepost.decoding.decoder import PassDecoder, build_decoder
from gatepost.decoding.live import LiveDecoder, build_live

__all__ = ["LiveDecoder", "PassDecoder", "build_decoder", "build_live"]
