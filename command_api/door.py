"""What the routes work with: the gathering of commands, and what hides card numbers and personal data, and signs quotes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from command_api.gathering import Gathering
from domain.command import Command
from domain.loyalty import Outcome
from domain.messages.purchases import CardIds
from domain.personal_data import Sealing
from domain.quote import Signing
from domain.refusals import Refusal

M = TypeVar("M")


@dataclass(frozen=True)
class Door:
    """One per process, kept in the application's state."""

    gathering: Gathering
    card_ids: CardIds
    personal_data: Sealing
    signing: Signing

    async def one(self, command: Command) -> Outcome:
        """Carry out a single command."""
        return (await self.gathering.execute([command]))[0]

    async def each(
        self, items: Sequence[M | Refusal], command_of: Callable[[M, int], Command]
    ) -> list[Outcome | Refusal]:
        """Carry out a batch: the command of each item and its place. One that makes none is refused, and the rest goes on."""
        read = [_attempt(command_of, item, place) for place, item in enumerate(items)]
        outcomes = iter(await self.gathering.execute([one for one in read if isinstance(one, Command)]))
        return [one if isinstance(one, Refusal) else next(outcomes) for one in read]


async def door(request: Request) -> Door:
    found: Door = request.app.state.door
    return found


TheDoor = Annotated[Door, Depends(door)]


def _attempt(command_of: Callable[[M, int], Command], item: M | Refusal, place: int) -> Command | Refusal:
    if isinstance(item, Refusal):
        return item
    try:
        return command_of(item, place)
    except Refusal as refusal:
        return refusal
