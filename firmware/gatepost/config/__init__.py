"""A station's configuration: TOML in, frozen dataclasses out, every problem told at once."""

from gatepost.config.loader import load, parse
from gatepost.config.profiles import load_board
from gatepost.config.readers import (
    GUNS,
    CameraReader,
    FramesReader,
    KeyboardReader,
    SerialReader,
    V4l2Reader,
)
from gatepost.config.schema import (
    BoardConfig,
    BrokerConfig,
    ButtonConfig,
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
    "GUNS",
    "BoardConfig",
    "BrokerConfig",
    "ButtonConfig",
    "BuzzerConfig",
    "CameraReader",
    "CentralConfig",
    "Config",
    "FramesReader",
    "GateConfig",
    "KeyboardReader",
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
    "load_board",
    "parse",
]
