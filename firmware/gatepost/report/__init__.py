"""A bundle for support: what a stranger needs to help, and nothing of a visitor, no secret.

What goes in is chosen, not what stays out: counts, versions, settings, our own log. Texts that
others may have put something into are redacted on the way; key files are never opened.
"""

from gatepost.report.bundle import Bundle, Member, Sources, gather
from gatepost.report.redacting import redacted

__all__ = ["Bundle", "Member", "Sources", "gather", "redacted"]
