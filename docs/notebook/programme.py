"""Cohorts, campaigns and tiers of a programme, from nothing but a directory that `loyalty export` has written.

`make notebook` exports what runs and opens it; or `marimo run docs/notebook/programme.py -- --export DIR`.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="A loyalty programme, from its export")

with app.setup:
    import json
    from datetime import timedelta
    from html import escape
    from pathlib import Path

    import marimo as mo
    import polars as pl


@app.cell
def _():
    mo.md("""
    # A loyalty programme, from its export

    Months are local ones of the programme's time zone, amounts minor units of its currency. Everything is by business
    time, as far as the export goes; what each column means is told in `docs/analysts.md`.
    """)
    return


@app.cell
def _():
    export = Path(mo.cli_args().get("export") or "export")
    return (export,)


@app.cell
def _(export):
    needed = ("facts", "purchases", "points", "tiers", "campaigns")
    manifest = export / "manifest.json"
    exports = json.loads(manifest.read_text(encoding="utf-8"))["exports"] if manifest.is_file() else {}
    missing = [name for name in needed if name not in exports]
    mo.stop(
        bool(missing),
        mo.md(
            "Not all of it is there yet. Run\n```\n"
            + "\n".join(f"loyalty export {n} --to {export}" for n in missing)
            + "\n```"
        ),
    )
    return (exports,)


@app.cell
def _(export, exports):
    def table(name):
        """Only files that the manifest names: what a run that was broken off has left is none of them."""
        kinds = {"Int64": pl.Int64, "String": pl.String, "Binary": pl.Binary}
        columns = exports[name]["columns"].items()
        nothing = pl.LazyFrame(schema={column: kinds.get(kind, pl.Datetime("us", "UTC")) for column, kind in columns})
        return pl.concat([nothing, *(pl.scan_parquet(export / file["path"]) for file in exports[name]["files"])])

    def facts(name, *fields):
        """Those fields of the facts of a name, as text: the state of a fact is JSON."""
        state = pl.col("state").cast(pl.String)
        found = table("facts").filter(pl.col("name") == name)
        return found.select(state.str.json_path_match(f"$.{field}").alias(field.split(".")[-1]) for field in fields)

    def instant(column):
        return pl.col(column).str.to_datetime(time_unit="us", time_zone="UTC")

    zone = facts("ProgrammePublished.v1", "policy.time_zone").last().collect().item()

    def month(column):
        """The first day of the local month."""
        return pl.col(column).dt.convert_time_zone(zone).dt.date().dt.truncate("1mo")

    return facts, instant, month, table


@app.cell
def _():
    def shaded(frame, most=None):
        """A table in which figures are the darker the nearer they are to the most that there is; how many members they are of is none."""
        figures = [name for name in frame.columns if name != "members" and frame[name].dtype.is_numeric()]
        most = most or max((frame[name].max() or 0 for name in figures), default=0)

        def cell(name, value):
            if value is None:
                return "<td></td>"
            if isinstance(value, str):
                return f"<td>{escape(value)}</td>"
            dark = min(1, max(0, value / most)) if most and name in figures else 0
            shade = f";background:rgba(0,120,120,{dark / 2:.2f})" if dark else ""
            text = f"{value:.0%}" if isinstance(value, float) else f"{value:,}"
            return f"<td style='text-align:right{shade}'>{text}</td>"

        head = "".join(f"<th>{escape(name)}</th>" for name in frame.columns)
        rows = "".join(f"<tr>{''.join(map(cell, frame.columns, row))}</tr>" for row in frame.iter_rows())
        return mo.Html(f"<table style='font-variant-numeric:tabular-nums'><tr>{head}</tr>{rows}</table>")

    def by_month(frame, value):
        """Cohorts downwards, months since joining to the right."""
        wide = frame.sort("after").pivot("after", index=["cohort", "members"], values=value).sort("cohort")
        return wide.with_columns(pl.col("cohort").dt.strftime("%Y-%m"))

    return by_month, shaded


@app.cell
def _(facts, instant, month, table):
    joined = facts("MemberJoined.v1", "member_id", "registered_at").with_columns(at=instant("registered_at"))
    joined = joined.select("member_id", cohort=month("at"))

    bought = (
        table("purchases").filter(pl.col("member_id").is_not_null()).select("member_id", month=month("occurred_at"))
    )
    earned = table("points").filter(pl.col("kind") == "issued", pl.col("purchase_id").is_not_null())
    earned = earned.select("member_id", "points", month=month("earned_at"))

    def after_joining(rows):
        then, now = pl.col("cohort"), pl.col("month")
        after = (now.dt.year() - then.dt.year()).cast(pl.Int64) * 12 + now.dt.month() - then.dt.month()
        return rows.join(joined, on="member_id").with_columns(after=after).filter(pl.col("after") >= 0)

    key = ["cohort", "after"]
    active = after_joining(bought).group_by(key).agg(active=pl.col("member_id").n_unique())
    points = after_joining(earned).group_by(key).agg(points=pl.col("points").sum())
    cohorts = (
        active.join(points, on=key, how="full", coalesce=True)
        .join(joined.group_by("cohort").agg(members=pl.len()), on="cohort")
        .select("cohort", "members", "after", pl.col("active", "points").fill_null(0))
        .sort(key)
        .collect()
    )
    return (cohorts,)


@app.cell
def _(by_month, cohorts, shaded):
    share = cohorts.with_columns(share=pl.col("active") / pl.col("members"))
    mo.vstack([
        mo.md("""
        ## Cohorts

        Members by the month in which they joined; to the right, how many months later. **Active**: the share of them who
        bought something in that month by a receipt that named them when it was recorded. **Points**: what their purchases of
        that month earned, before returns.
        """),
        mo.md("### Active"),
        shaded(by_month(share, "share"), 1),
        mo.md("### Points"),
        shaded(by_month(cohorts, "points")),
    ])  # fmt: skip
    return


@app.cell
def _(facts, instant, table):
    windows = facts("CampaignCreated.v1", "campaign_id", "title", "starts_at", "ends_at").with_columns(
        instant("starts_at"), instant("ends_at")
    )
    sales = (
        table("purchases")
        .filter(pl.col("member_id").is_not_null())
        .group_by("member_id", "purchase_id")
        .agg(at=pl.col("occurred_at").first(), paid_minor=pl.col("paid_minor").sum())
        .collect()
    )
    members = facts("MemberJoined.v1", "member_id").collect()
    given = table("campaigns").filter(pl.col("kind").is_in(["points", "discount", "coupon-given"])).collect()
    first, last = sales["at"].min(), sales["at"].max()

    def sides(campaign_id, title, starts_at, ends_at):
        """Those to whom a campaign gave something, and all other members: what they bought before it, and during it."""
        own = given.filter(pl.col("campaign_id") == campaign_id)
        took = own["member_id"].unique().implode()
        before = starts_at - (ends_at - starts_at)
        theirs = members.select("member_id", took_part=pl.col("member_id").is_in(took)).join(
            sales, on="member_id", how="left"
        )
        within, earlier = (
            pl.col("at").is_between(starts_at, ends_at, "left"),
            pl.col("at").is_between(before, starts_at, "left"),
        )
        found = theirs.group_by("took_part").agg(
            members=pl.col("member_id").n_unique(),
            before_minor=pl.col("paid_minor").filter(earlier).sum(),
            during_minor=pl.col("paid_minor").filter(within).sum(),
        )
        return found.with_columns(
            pl.when(before >= first).then("before_minor"),
            campaign_id=pl.lit(campaign_id), title=pl.lit(title), starts_at=starts_at, ends_at=ends_at,
            ends_later=pl.lit(ends_at - last > timedelta(days=1)),
            points=pl.lit(own["points"].sum(), pl.Int64), discount_minor=pl.lit(own["discount_minor"].sum(), pl.Int64),
        )  # fmt: skip

    found = [sides(*window) for window in windows.collect().iter_rows()] if first else []
    campaigns = pl.concat(found).sort("starts_at", "campaign_id", "took_part") if found else pl.DataFrame()
    return (campaigns,)


@app.cell
def _(campaigns):
    mo.stop(campaigns.is_empty(), mo.md("## Campaigns\n\nThere are none."))
    each = campaigns.with_columns(
        before=pl.col("before_minor") / pl.col("members"), during=pl.col("during_minor") / pl.col("members")
    )
    here, others = (each.filter(pl.col("took_part") == took_part) for took_part in (True, False))
    beside = here.join(
        others.select("campaign_id", others="members", others_before="before", others_during="during"),
        on="campaign_id",
        how="left",
    )
    shown = beside.select(
        "campaign_id", pl.col("starts_at").dt.date(), pl.col("ends_at").dt.date(), "ends_later", "points", "discount_minor",
        took_part="members", before=pl.col("before").round(), during=pl.col("during").round(), others="others",
        others_before=pl.col("others_before").round(), others_during=pl.col("others_during").round(),
        difference=pl.when(~pl.col("ends_later")).then(
            (pl.col("during") - pl.col("before") - pl.col("others_during") + pl.col("others_before")).round()
        ),
    )  # fmt: skip
    mo.vstack([
        mo.md("""
        ## Campaigns

        **Took part**: members to whom the campaign gave points, a discount or a coupon; others: all other members. **Before,
        during**: what a member paid on average in the equally long time before the window, and in it, before returns; empty
        where the export does not reach back so far. `ends_later`: the window ends more than a day after the last purchase.
        `difference`: how much more the one side rose than the other, where the whole window is there. `points` and
        `discount_minor`: what the campaign gave, less what went back.

        This describes; it does not explain. Who takes part has bought in the window, so that side rises even if the campaign
        did nothing, and who was chosen for buying much falls back by itself. There is no group that was left out by chance.
        """),
        mo.ui.table(shown, selection=None),
    ])  # fmt: skip
    return


@app.cell
def _(month, table):
    moves = (
        table("tiers")
        .group_by("from_tier", "to_tier", "why", month=month("occurred_at"))
        .agg(steps=pl.col("steps").first(), moves=pl.len())
        .sort("month", "from_tier", "to_tier", "why")
        .collect()
    )
    return (moves,)


@app.cell
def _(moves, shaded):
    told = moves.with_columns(pl.col("month").dt.strftime("%Y-%m"), move=pl.format("{} → {}", "from_tier", "to_tier"))
    order = told.group_by("move").agg(pl.col("steps").first()).sort("steps", "move", descending=[True, False])["move"]
    by_move, by_reason = (
        told.pivot(on, index="month", values="moves", aggregate_function="sum").sort("month") for on in ("move", "why")
    )
    mo.vstack([
        mo.md("## Tiers\n\nMoves by local month of business time: from which tier to which, and why."),
        shaded(by_move.select("month", *order)),
        shaded(by_reason),
    ])  # fmt: skip
    return


if __name__ == "__main__":
    app.run()
