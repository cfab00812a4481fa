"""From a frame to its symbols; the only place that imports decoders."""

from __future__ import annotations

from gatepost.decoding.decoder import PassDecoder, build_decoder

__all__ = ["PassDecoder", "build_decoder"]
