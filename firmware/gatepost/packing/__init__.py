"""How signed codes are packed: Base45, DEFLATE, CBOR, COSE, JSON, JWS; bounded and strict.

The lowest of all: a station and the central side share it. What cannot be unpacked raises
errors.Unreadable with the layer that is broken, and nothing else, whatever it is given.
"""
