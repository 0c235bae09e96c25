"""Codes that nobody can guess, short enough to be typed."""

from secrets import choice

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter is taken for a digit."""
LENGTH = 16
"""80 random bits: guessing a million codes a second, one of a billion is found in some decades."""


def new_code() -> str:
    return "".join(choice(ALPHABET) for _ in range(LENGTH))
