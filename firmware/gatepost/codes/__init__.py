"""From a text to what it is. Pure."""
