"""Pages of what is worked out when it is asked for, rather than read: cut by a place in an order."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

T = TypeVar("T")


def place_of(at: datetime, name: str) -> str:
    """A place in the order of instants, and of names at the same one: as text it sorts alike."""
    return f"{at:%Y%m%dT%H%M%S.%fZ}-{name}"


def cut(
    items: Iterable[T], *, key: Callable[[T], str], after: str, limit: int, backwards: bool = False
) -> tuple[list[T], str | None]:
    """Up to `limit` items that follow a place, and the place of the last of them if there are more.

    A place that nothing stands at is as good as any other, so that what arrives meanwhile moves no page.
    """
    ordered = sorted(items, key=key, reverse=backwards)
    rest = [one for one in ordered if not after or (key(one) < after if backwards else key(one) > after)]
    return rest[:limit], key(rest[limit - 1]) if len(rest) > limit else None
