"""JSON with one form only (RFC 8785): what is hashed and signed is the same for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rfc8785

from gatepost.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Mapping


def canonical(value: Mapping[str, Any]) -> bytes:
    """RFC 8785 form of a JSON object. Raises ContractError where it has none."""
    try:
        return rfc8785.dumps(dict(value))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise ContractError(f"has no canonical form: {error}") from error
