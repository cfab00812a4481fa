"""A station's configuration: TOML in, frozen dataclasses out, every problem told at once."""

from gatepost.config.loader import load, parse
from gatepost.config.schema import (
    BrokerConfig,
    BuzzerConfig,
    CameraReader,
    CentralConfig,
    Config,
    FramesReader,
    GateConfig,
    LampConfig,
    LogConfig,
    OledConfig,
    PanelConfig,
    ReaderConfig,
    RelayConfig,
    SerialReader,
    StationConfig,
    V4l2Reader,
)

__all__ = [
    "BrokerConfig",
    "BuzzerConfig",
    "CameraReader",
    "CentralConfig",
    "Config",
    "FramesReader",
    "GateConfig",
    "LampConfig",
    "LogConfig",
    "OledConfig",
    "PanelConfig",
    "ReaderConfig",
    "RelayConfig",
    "SerialReader",
    "StationConfig",
    "V4l2Reader",
    "load",
    "parse",
]
