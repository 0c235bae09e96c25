"""What is claimed of points and answers: that none is lost, doubled or invented, and that answers are what the log says."""

from collections.abc import Sequence
from dataclasses import asdict

from projections.assurance.statement import Statement, number, statement
from projections.comparison import Comparison, TableDifference
from projections.proofs.conservation import Conservation
from projections.proofs.slices import NothingProjected

CONSERVED = "Every point is where the facts put it: of every lot, of every member, and in all."
_CONSERVED_HOW = (
    "The whole log folded from nothing, member by member, by code apart from the write side and the read models, and the read"
    " model `balances` held against it, lot by lot."
)
_REST = "The log, and the code of the proof."
REPLAYED = "Read models are what a replay of all facts gives."
_REPLAYED_HOW = "All facts read from the topic once more, folded beside, and compared table by table and row by row."
_REPLAYED_REST = "The topic `loyalty.facts.v1`, and the projections' own code, which folded both."


def conserved(proof: Conservation | NothingProjected) -> Statement:
    """Without a read model there is nothing to compare with."""
    if isinstance(proof, NothingProjected):
        return statement(
            "conservation", CONSERVED, holds="not applicable", told=str(proof), checked=_CONSERVED_HOW, rests_on=_REST
        )
    wrong = proof.first_difference
    left_out = "" if wrong is None else f"; {proof.left_out[0].lower()}{proof.left_out[1:]}"
    details = [f"{bucket}: {points:,} points" for bucket, points in asdict(proof.log).items()]
    if wrong is not None:
        where = f"does not hold: {wrong.what}: first at position {wrong.position:,}: {wrong.place}"
        details = [f"{where}: {wrong.expected} expected, {wrong.found} found"]
    return statement(
        "conservation", CONSERVED, holds=proof.holds,
        figures={
            "facts": proof.facts, "members": proof.members, "lots": proof.lots, "differing_members": proof.differing_members,
            "read_model_position": proof.read_model_position,
        },
        told=f"{number(proof.members, 'member')} with {number(proof.lots, 'lot')}, the read model as far as position"
        f" {proof.read_model_position:,}{left_out}",
        checked=_CONSERVED_HOW, rests_on=_REST, details=details,
    )  # fmt: skip


def replayed(compared: Sequence[Comparison] | NothingProjected | None) -> Statement:
    """None where the replay was left out."""
    if compared is None or isinstance(compared, NothingProjected):
        return statement(
            "replay", REPLAYED, holds="not checked" if compared is None else "not applicable",
            told=str(compared or "left out, as asked for"), checked=_REPLAYED_HOW, rests_on=_REPLAYED_REST,
        )  # fmt: skip
    wrong = [one for one in compared if not one.equal]
    rows = sum(one.rows for one in compared)
    return statement(
        "replay", REPLAYED, holds=not wrong,
        figures={
            "read_models": len(compared), "differing": len(wrong), "rows": rows,
            "members_left_out": sum(one.left_out for one in compared),
        },
        told=f"{number(rows, 'row')} of {number(len(compared), 'read model')} compared, {len(wrong):,} differing",
        checked=_REPLAYED_HOW, rests_on=_REPLAYED_REST,
        details=[_differing(one.projection, table) for one in wrong for table in one.differences]
        + [f"{one.projection}: {number(one.newly_parked, 'member')} parked by the replay only" for one in wrong if one.newly_parked],
    )  # fmt: skip


def _differing(projection: str, found: TableDifference) -> str:
    return (
        f"{projection}.{found.table}: {found.only_live:,} of {found.rows_live:,} rows only live, {found.only_replayed:,} of"
        f" {found.rows_replayed:,} only in the replay, for example of {found.key} {found.example}"
    )
