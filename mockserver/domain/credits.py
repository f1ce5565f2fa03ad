"""Credits, counted in whole millionths, so that prices of 0.4 add up exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

CREDIT: Final = 1_000_000
MOST: Final = 10**12 * CREDIT


def counted(amount: int | float | str) -> int:
    """An amount of credits as millionths; ValueError for one that cannot be a balance or a price."""
    try:
        exact = Decimal(str(amount)) * CREDIT
    except ArithmeticError:
        raise ValueError(f"{amount!r} is no amount of credits") from None
    if not exact.is_finite() or not 0 <= exact <= MOST or exact != int(exact):
        raise ValueError(f"{amount!r} is no amount of credits: 0 to 10^12, with at most 6 decimals")
    return int(exact)


def shown(millionths: int) -> int | float:
    """Millionths as the number of credits that JSON shows: whole where it is."""
    whole, rest = divmod(millionths, CREDIT)
    return whole if not rest else millionths / CREDIT
