"""Measure what is asked for, print the table, write and draw the results."""

import argparse
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import (
    account,
    asof,
    batches,
    cold,
    completeness,
    doors,
    everything,
    explain,
    exports,
    freshness,
    ground,
    growth,
    intake,
    liability,
    machine,
    pressure,
    projector,
    quotes,
    rebuild,
    relay,
    report,
    rules,
    tamper,
    whatif,
)
from bench.figure import Figure
from cli.demo import complete_journey
from infra.process import quiet_gc

MEASUREMENTS: dict[str, Callable[..., list[Figure]]] = {
    "intake": intake.measure,
    "relay": relay.measure,
    "projector": projector.measure,
    "rebuild": rebuild.measure,
    "http": doors.measure,
    "batches": batches.measure,
    "quotes": quotes.measure,
    "rules": rules.measure,
    "account": account.measure,
    "tamper": tamper.measure,
    "completeness": completeness.measure,
    "export": exports.measure,
    "freshness": freshness.measure,
    "growth": growth.measure,
    "whatif": whatif.measure,
    "asof": asof.measure,
    "explain": explain.measure,
    "liability": liability.measure,
    "cold": cold.measure,
    "pressure": pressure.measure,
    "everything": everything.measure,
}
ON_SERVERS = MEASUREMENTS.keys() - {"rules", "growth"}
"""Those that have the same servers, one after the other."""


def main() -> None:
    """Nobody's servers are measured but our own: settings of the surroundings are left aside."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, side by side.")
    parser.add_argument("--size", type=int, default=16_000, metavar="N", help="purchases a measurement, real baskets")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="turns that the sides take")
    parser.add_argument(
        "--grown", nargs="+", type=growth.Size.read, default=growth.SIZES, metavar="FACTS:MEMBERS",
        help="sizes of growth, the smallest first: 100000:1000 1000000:100000 5000000:1000000 takes half an hour",
    )  # fmt: skip
    parser.add_argument("--cold", type=int, default=cold.MEMBERS, metavar="N", help="members of a cold start")
    parser.add_argument("--burst", type=int, default=pressure.BURST, metavar="N", help="messages of a burst")
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, default=list(MEASUREMENTS), help="some of them")
    parser.add_argument("--results", type=Path, default=report.RESULTS, help="where the figures are written")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it early leaves no servers behind either
    for name in [name for name in os.environ if name.startswith("LOYALTY_") and name != "LOYALTY_CACHE_DIR"]:
        del os.environ[name]
    started = time.monotonic()
    for line in machine.described():
        print(line)
    baskets = list(complete_journey.baskets(chosen.size))
    quiet_gc()
    measurements = MEASUREMENTS | {
        "growth": partial(growth.measure, sizes=chosen.grown),
        "cold": partial(cold.measure, members=chosen.cold),
        "pressure": partial(pressure.measure, burst=chosen.burst),
    }
    figures: list[Figure] = []
    with ExitStack() as stack:
        servers = stack.enter_context(ground.started()) if ON_SERVERS & set(chosen.only) else None
        for name in chosen.only:
            print(f"{name}: {len(baskets):,} purchases, {time.monotonic() - started:.0f} s so far", flush=True)
            on = {"servers": servers} if name in ON_SERVERS else {}
            figures += measurements[name](baskets, repeats=chosen.repeats, **on)
    found = [figure.as_json() for figure in figures]
    chosen.results.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    drawn = report.draw(chosen.results)
    _show(figures)
    print(f"{time.monotonic() - started:.0f} s; the figures are in {chosen.results}, drawn in {drawn}")


def _show(figures: list[Figure]) -> None:
    table = Table("figure", "value", "unit", "beside", "its value", "ratio", "min to max", "goal")
    for figure in figures:
        told = figure.as_json()
        spread = f"{min(figure.ratios):.3g} to {max(figure.ratios):.3g}"
        row = (told["value"], told["reference_value"])
        value, reference = (f"{one:,.6g}" for one in row)
        table.add_row(
            figure.name, value, figure.unit, figure.reference, reference, f"{told['ratio']:.3g}", spread, figure.goal
        )
    Console(width=None if Console().is_terminal else 200).print(table)
