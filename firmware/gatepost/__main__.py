"""`python -m gatepost` is the command `gatepost`."""

import sys

from gatepost.cli import main

sys.exit(main())
