"""What was written while measuring is right: nothing lost, doubled or invented."""

from psycopg import Connection


class NotConserved(AssertionError):
    """The figures are worth nothing: what they counted is not what is there."""


def conservation(database: Connection, *, purchases: int) -> None:
    """Every purchase recorded once and credited once, every point issued in the read model once, lot by lot."""
    counts = database.execute(
        "SELECT count(*) FILTER (WHERE name = 'PurchaseRecorded.v1'), count(*) FILTER (WHERE name = 'PointsEarned.v1'),"
        " count(*) = max(position), (SELECT count(*) FROM dead_letters) FROM facts"
    ).fetchone()
    if counts != (purchases, purchases, True, 0):
        raise NotConserved(f"{purchases} purchases were published; recorded, credited, gapless, letters: {counts}")
    differing = database.execute(
        "SELECT count(*) FROM (SELECT (part ->> 'lot_id')::uuid AS lot_id, (part ->> 'points')::bigint AS points"
        " FROM (SELECT convert_from(state, 'UTF8')::jsonb AS body FROM facts WHERE name = 'PointsEarned.v1') AS earned"
        " CROSS JOIN LATERAL jsonb_array_elements(body -> 'parts') AS part WHERE (part ->> 'points')::bigint > 0)"
        " AS issued FULL JOIN balances_1.lots USING (lot_id) WHERE issued.points IS DISTINCT FROM lots.points"
    ).fetchone()
    if differing != (0,):
        raise NotConserved(f"{differing} lots differ between the log and the read model")
    print(
        f"  proved: {purchases:,} purchases, each recorded and credited once; every lot is in the read model",
        flush=True,
    )
