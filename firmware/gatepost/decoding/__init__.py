"""From a frame to its symbols; the only place that imports decoders."""
