"""The buckets of points, each described once for whatever tells them."""

from typing import Annotated

from pydantic import Field

Issued = Annotated[
    int, Field(description="Points ever earned with purchases, given by staff, or brought in from another system")
]
Received = Annotated[
    int,
    Field(
        description="Points that came from other members, less those that went back when a merge was undone;"
        " and those that live on in a lot of grace"
    ),
]
Pending = Annotated[int, Field(description="Points that cannot be spent yet")]
Available = Annotated[int, Field(description="Points that can be spent at `as_of`; 0 while there is debt")]
Held = Annotated[
    int,
    Field(description="Points set aside for redemptions: held ones can be spent by them alone, even past their expiry"),
]
Spent = Annotated[int, Field(description="Points redeemed, less those that came back")]
Settled = Annotated[
    int, Field(description="Points that paid debt, less those given back as the debt's cause was reversed")
]
Expired = Annotated[int, Field(description="Points that lapsed unspent, whether they had become spendable or not")]
Revoked = Annotated[int, Field(description="Points taken from their lots after returns and voids, and by staff")]
Sent = Annotated[
    int,
    Field(
        description="Points that went to other members, less those that came back when a merge was undone;"
        " and those that left a lapsed lot for one of grace"
    ),
]
Debt = Annotated[int, Field(description="Points owed: the next ones that become available pay it")]
