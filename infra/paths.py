"""What stands in the paths of either door, described once."""

from typing import Annotated
from uuid import UUID

from fastapi import Path

MemberId = Annotated[UUID, Path(description="The member's id.")]
PurchaseId = Annotated[
    UUID, Path(description="The `purchase_id` that `POST /purchases` answers, and `GET /purchases` for a receipt.")
]
