"""A station's configuration: TOML in, frozen dataclasses out, every problem told at once."""

from gatepost.config.loader import load, parse
from gatepost.config.readers import (
    CameraReader,
    FramesReader,
    SerialReader,
    V4l2Reader,
)
from gatepost.config.schema import (
    BrokerConfig,
    BuzzerConfig,
    CentralConfig,
    Config,
    GateConfig,
    LampConfig,
    LightConfig,
    LogConfig,
    OledConfig,
    PanelConfig,
    ReaderConfig,
    RelayConfig,
    SpoolConfig,
    StationConfig,
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
    "LightConfig",
    "LogConfig",
    "OledConfig",
    "PanelConfig",
    "ReaderConfig",
    "RelayConfig",
    "SerialReader",
    "SpoolConfig",
    "StationConfig",
    "V4l2Reader",
    "load",
    "parse",
]
