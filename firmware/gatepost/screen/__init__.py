"""What the visitor reads: a cue as a 1-bit picture of 128x64 pixels, in two languages at once.

The first language is large, beside an icon that says the same without words; the second is
small, below. Pure: the same cue is always the same picture, with the same fonts.
"""

from gatepost.screen.fitting import HEIGHT, WIDTH
from gatepost.screen.fonts import fingerprint
from gatepost.screen.layout import render
from gatepost.screen.reading import aim, lines
from gatepost.screen.words import printable, say

__all__ = ["HEIGHT", "WIDTH", "aim", "fingerprint", "lines", "printable", "render", "say"]
