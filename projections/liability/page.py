"""A roll-forward of the liability as a page of its own: tables and a picture, and nothing that it loads from anywhere."""

from collections.abc import Iterator
from fractions import Fraction
from html import escape
from typing import Any

from projections.page import whole
from projections.whatif.page import STYLE, lines

Told = dict[str, Any]

LINES = ("opening", "issued", "redeemed", "expired", "revoked", "reestimated", "closing")


def page(told: Told) -> str:
    """The page, as HTML."""
    return whole("Liability of points", _body(told), style=STYLE)


def _body(told: Told) -> Iterator[str]:
    prior = ", ".join(f"{share} from {month}" if month else share for month, share in told["prior"].items())
    yield "<h1>Liability of points</h1>"
    yield (
        f"<p>Up to position {told['position']:,}; months of {escape(told['time_zone'])}; a point buys"
        f" {escape(told['face_minor'])} minor units of {escape(told['currency'])}; share expected to be redeemed at first:"
        f" {escape(prior)}; a cohort is complete after {told['horizon_months']} months.</p>"
    )
    for unit, title in (("money", f"In minor units of {told['currency']}"), ("points", "In points")):
        if told["months"]:
            yield f"<h2>{escape(title)}: owed as each month ended</h2>"
            yield from lines({"closing": [(one["month"], one[unit]["closing"]) for one in told["months"]]})
        yield from _table(title, [(one["month"], one[unit], one["expected"]) for one in told["months"]])
    if "restated" in told:
        yield from _restated(told["restated"])


def _table(title: str, months: list[tuple[str, Told, str]]) -> Iterator[str]:
    heads = "".join(f"<th>{name.replace('reestimated', 're-estimated')}</th>" for name in (*LINES, "expected"))
    yield f"<table><caption>{escape(title)}</caption><tr><th>month</th>{heads}</tr>"
    for month, roll, expected in months:
        cells = "".join(f"<td>{roll[name]:,}</td>" for name in LINES)
        yield f"<tr><th>{escape(month)}</th>{cells}<td>{percent(expected)}</td></tr>"
    yield "</table>"


def _restated(restated: Told) -> Iterator[str]:
    yield f"<h2>Told otherwise than from position {restated['position']:,}</h2>"
    for unit in ("money", "points"):
        yield f"<table><caption>Closing balance, in {unit}</caption><tr><th>month</th><th>was</th><th>is</th></tr>"
        for one in restated["months"]:
            was, now = (f"{side[unit]['closing']:,}" if side else "–" for side in (one["was"], one["is"]))
            yield f"<tr><th>{escape((one['was'] or one['is'])['month'])}</th><td>{was}</td><td>{now}</td></tr>"
        yield "</table>"
    yield "<table><caption>What came later</caption><tr><th>month</th><th>fact</th><th>how many</th></tr>"
    for one in restated["because"]:
        yield f"<tr><th>{escape(one['month'])}</th><td>{escape(one['fact'])}</td><td>{one['facts']:,}</td></tr>"
    yield "</table>"


def percent(share: str) -> str:
    """A share that is told exactly, for people."""
    exact = Fraction(share)
    return f"{exact.numerator * 100 / exact.denominator:.1f} %"
