"""The central side's kit: imports nothing of a station and needs none of its libraries."""
