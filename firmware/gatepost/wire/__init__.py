"""The wire contract in code; contract/ describes it for those who write a central server."""

from gatepost.wire.bodies import (
    MOST_PAYLOAD,
    NO_HASH,
    RECORDS,
    body_hash,
    decode_body,
    encode_body,
    event_of,
    event_type,
)
from gatepost.wire.messages import (
    CONTENT_TYPE,
    Checkpoint,
    Topics,
    attributes,
    checkpoint_claims,
    event_id,
    event_message,
    parse_checkpoint,
    parse_event,
    rfc3339,
    state_message,
)

__all__ = [
    "CONTENT_TYPE",
    "MOST_PAYLOAD",
    "NO_HASH",
    "RECORDS",
    "Checkpoint",
    "Topics",
    "attributes",
    "body_hash",
    "checkpoint_claims",
    "decode_body",
    "encode_body",
    "event_id",
    "event_message",
    "event_of",
    "event_type",
    "parse_checkpoint",
    "parse_event",
    "rfc3339",
    "state_message",
]
