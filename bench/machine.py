"""What the figures were taken on."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from infra.embedded.jars import pinned
from infra.embedded.postgres import binaries

PACKAGES = ("eventsourcing", "kafka-python", "psycopg", "pydantic", "fastapi", "uvicorn")


def described() -> list[str]:
    """Machine and versions, a line each."""
    told = subprocess.run([binaries() / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    postgres = told.split()[2]
    (kafka,) = {jar.version for jar in pinned() if jar.artifact.startswith("kafka_2")}
    gibibytes = psutil.virtual_memory().total / (1 << 30)
    return [
        f"{os.cpu_count()} cores ({_processor()}), {gibibytes:.0f} GiB, {platform.system()} {platform.release()}",
        f"Python {platform.python_version()}, PostgreSQL {postgres}, Kafka {kafka}",
        ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        f"load when it began: {psutil.getloadavg()[0]:.1f}",
    ]


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    names = [line for line in known.read_text().splitlines() if line.startswith("model name")] if known.exists() else []
    return names[0].partition(": ")[2] if names else platform.processor() or platform.machine()
