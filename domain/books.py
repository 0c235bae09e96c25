"""Closed books: what of a long account may be left in the log, and how a decision that needs it after all is noticed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar
from uuid import UUID

K = TypeVar("K")
V = TypeVar("V")


class InClosedBooks(LookupError):
    """What is asked for was left in the log: the whole account must be folded, and the decision taken again."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(str(stream_id))
        self.stream_id = stream_id


class ClosedBooks(set[UUID]):
    """The streams whose closed books were asked for, by several in turn."""

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Whoever asks within is noted, and stops asking."""
        try:
            yield
        except InClosedBooks as books:
            self.add(books.stream_id)


class OpenEntries(dict[K, V]):
    """Those entries of a mapping that are open. Who asks for all of them, or for one that may be closed, asks for closed books.

    Only `dict.values` goes through the open ones, for those who need no others.
    """

    def __init__(self, stream_id: UUID, entries: dict[K, V], closed: Callable[[K], bool] = lambda _: True) -> None:
        super().__init__(entries)
        self._stream_id = stream_id
        self._closed = closed
        """Of an entry that is not here: whether it may be in closed books."""

    def get(self, key: K, default: Any = None) -> Any:
        if key not in self:
            return default
        return super().get(key)

    def __missing__(self, key: K) -> V:
        if self._closed(key):
            self._ask()
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        known = super().__contains__(key)
        if not known and self._closed(key):  # type: ignore[arg-type]  # whoever asks, asks for a key
            self._ask()
        return known

    def copy(self) -> "OpenEntries[K, V]":
        """The same entries, to which others may be added."""
        return OpenEntries(self._stream_id, dict.copy(self), self._closed)

    def _ask(self, *_: object) -> NoReturn:
        raise InClosedBooks(self._stream_id)

    __iter__ = keys = values = items = __len__ = __eq__ = _ask
    __hash__ = None
