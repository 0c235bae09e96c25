"""Somebody with an unmistakable name joins, changes, is refused and erased: a search of everything that is kept finds nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from psycopg import sql

from infra.keys import load_key_file
from infra.personal_data import PersonalData
from infra.settings import Settings
from infra.topics import DEAD, FACTS, PURCHASES
from tests.builders import policy
from tests.journeys.ledger import Ledger, running

PERSON = {"name": "Zéphyrine Quillfeather", "phone": "+49 1512 0099887", "email": "zq@quillfeather.example",
          "address": "7 Unmistakable Lane, Nowhere-on-Sea", "birth_date": "1987-11-23"}  # fmt: skip
CHANGED = {"phone": "+49 1512 7766554", "address": "99 Inimitable Row", "birth_date": None}
WORDS = ("phyrine", "Quillfeather", "quillfeather", "0099887", "7766554", "Unmistakable", "Inimitable", "1987-11-23")
NEEDLES = [form for word in WORDS for form in (word.encode(), word.encode().hex().encode())]
CARD = "700000001"
JOINED_AT = "2026-01-15T09:00:00Z"


def basket(number: int, **extra: Any) -> dict[str, Any]:
    data = {
        "currency": "USD", "store": "1", "card": CARD, "tenders": [{"kind": "cash", "amount_minor": 5_000}],
        "lines": [{"line": "1", "sku": "a", "quantity": 1, "gross_minor": 5_000}],
    }  # fmt: skip
    return {
        "specversion": "1.0", "type": "pos.purchase.completed.v1", "source": "/tills/1", "id": f"R-{number}",
        "time": f"2026-02-0{number}T12:00:00Z", "data": data | extra,
    }  # fmt: skip


def publish(ledger: Ledger, *values: bytes) -> None:
    with KafkaProducer(bootstrap_servers=ledger.run["kafka_bootstrap_servers"].split(",")) as producer:
        for value in values:
            producer.send(PURCHASES, key=CARD.encode(), value=value).get(timeout=60)


def tables(ledger: Ledger) -> Iterator[tuple[str, bytes]]:
    """Every table of the database, as PostgreSQL copies it out."""
    with psycopg.connect(ledger.run["database_url"]) as database:
        names = database.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for name in names:
            with database.cursor().copy(
                sql.SQL("COPY {} TO STDOUT (FORMAT BINARY)").format(sql.Identifier(*name))
            ) as copy:
                yield ".".join(name), b"".join(copy)


def records(ledger: Ledger, topic: str) -> list[Any]:
    """Everything that a topic holds by now."""
    servers = ledger.run["kafka_bootstrap_servers"].split(",")
    reader, found = KafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest"), []
    try:
        places = [TopicPartition(topic, number) for number in reader.partitions_for_topic(topic)]
        reader.assign(places)
        ends = reader.end_offsets(places)
        while any(reader.position(place) < ends[place] for place in places):
            found += [record for batch in reader.poll(timeout_ms=500).values() for record in batch]
    finally:
        reader.close()
    return found


def files(ledger: Ledger) -> Iterator[tuple[str, bytes]]:
    """Everything in the data directory: the servers' own files, the roles' logs; and what the supervisor printed.

    Kafka's indexes hold numbers only, and are long stretches of zeros.
    """
    for path in sorted((ledger.home / ".loyalty").rglob("*")):
        if path.is_file() and "index" not in path.suffix and not path.parent.name.startswith(f"{PURCHASES}-"):
            yield str(path), path.read_bytes()
    yield "up.txt", ledger.output.read_bytes()


def found(ledger: Ledger) -> list[str]:
    """Where a search of tables, topics and files finds anything. What tills publish is theirs, and kept for a week."""
    places = [*tables(ledger), *files(ledger)]
    for topic in (FACTS, DEAD):
        places += [
            (topic, b"\0".join((record.key or b"", record.value or b"", repr(record.headers).encode())))
            for record in records(ledger, topic)
        ]
    return [where for where, content in places if any(needle in content for needle in NEEDLES)]


def sealed_texts(ledger: Ledger) -> list[dict[str, Any]]:
    """What the facts topic tells of profiles."""
    return [
        json.loads(one.value)
        for one in records(ledger, FACTS)
        if dict(one.headers)["ce_type"] == b"loyalty.ProfileChanged.v1"
    ]


def gives_something_on_birthdays(ledger: Ledger) -> None:
    """So that the clock has a reason to look at birth dates."""
    rules = policy("corner_shop", birthday={"points": 5}, effective_from="2026-01-01T00:00:00Z")
    with ledger.client("command", "admin") as admin:
        body = {"policy": rules.model_dump(mode="json", exclude_none=True)}
        admin.post(f"/programmes/{rules.name}/versions", json=body).raise_for_status()


def birth_dates(ledger: Ledger) -> set[str]:
    """Whose birth dates the clock has noted, and not let go of."""
    with psycopg.connect(ledger.run["database_url"]) as database:
        try:
            return {str(member) for (member,) in database.execute("SELECT DISTINCT member_id FROM birth_dates")}
        except psycopg.errors.UndefinedTable:
            return set()


def test_nothing_personal_is_ever_kept_in_clear_and_nothing_opens_after_an_erasure(tmp_path: Path) -> None:
    with running(tmp_path, clock=True) as ledger:
        gives_something_on_birthdays(ledger)
        with ledger.client("command", "staff") as staff, ledger.client("query", "staff") as desk:
            joined = staff.post(
                "/members", json={"card": CARD, "registered_at": JOINED_AT, "consents": {"mail": True}, **PERSON}
            )
            member = joined.raise_for_status().json()["member_id"]
            position = staff.patch(f"/members/{member}", json=CHANGED).raise_for_status().json()["position"]
            profile = desk.get(f"/members/{member}/profile", params={"at_least": position}).raise_for_status().json()
            assert {field: profile.get(field) for field in PERSON} == PERSON | CHANGED

            told = [
                staff.patch(f"/members/{member}", json={"email": PERSON["name"]}),
                staff.patch(f"/members/{member}", json={"phone": PERSON["address"]}),
                staff.patch(f"/members/{member}", content=json.dumps(PERSON).encode()[:-1]),
                staff.post("/members", json={"card": CARD, "registered_at": "2026-01-16T09:00:00Z", **PERSON}),
                staff.post("/members", json={"card": "", "registered_at": JOINED_AT, **PERSON}),
            ]
            assert [one.status_code for one in told] == [422, 422, 400, 409, 422]
            assert not any(needle in one.content for one in told for needle in NEEDLES)

            lines = [
                {"card": "700000002", "registered_at": JOINED_AT, **PERSON},
                {"card": CARD, "registered_at": "soon", **PERSON},
            ]
            (tmp_path / "members.ndjson").write_text(
                "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            )
            printed = ledger.loyalty("load", "members", "members.ndjson", check=False)
            assert "1 members joined, now or before, 1 refused" in printed
            aside = (tmp_path / "members.ndjson.rejected.ndjson").read_text()
            assert json.loads(aside) | {"problem": ""} == {
                "line": 2,
                "reason": "invalid-field",
                "field": "registered_at",
                "problem": "",
            }
            assert not any(needle in text.encode() for text in (printed, aside) for needle in NEEDLES)

            sent = [
                json.dumps(basket(1, **PERSON), ensure_ascii=False).encode(),
                json.dumps(basket(2, currency="EUR", **PERSON), ensure_ascii=False).encode(),
                json.dumps(PERSON, ensure_ascii=False).encode(),
                json.dumps(PERSON, ensure_ascii=False).encode()[:-1],
            ]
            publish(ledger, *sent)
            assert ledger.caught_up().open_letters == 3
            ledger.wait(lambda: len(birth_dates(ledger)) == 2)
            assert found(ledger) == []
            assert sorted(record.value for record in records(ledger, PURCHASES)) == sorted(sent)
            assert all(any(needle in value for needle in NEEDLES) for value in sent), "the search can find"

            first = (
                staff.delete(f"/members/{member}/personal-data", params={"reason": "member-request"})
                .raise_for_status()
                .json()
            )
            again = staff.delete(f"/members/{member}/personal-data", params={"reason": "member-request"})
            assert again.json() == first
            publish(ledger, json.dumps(basket(3)).encode())
            ledger.caught_up()
            ledger.wait(lambda: len(birth_dates(ledger)) == 1 and member not in birth_dates(ledger))
            assert desk.get(f"/members/{member}/profile").json().keys() & PERSON.keys() == set()
            assert desk.get("/members", params={"card": CARD}).status_code == 404
            assert desk.get(f"/members/{member}/balance").json()["issued"] == 50, (
                "what was earned before stays, nothing is added"
            )

        assert found(ledger) == []
        people = PersonalData(ledger.run["database_url"], load_key_file(Settings(data_dir=tmp_path / ".loyalty")))
        texts = [one for one in sealed_texts(ledger) if one["member_id"] == member]
        assert len(texts) == 2
        for one in texts:
            fields = {field: (UUID(one["key_id"]), text) for field, text in one["sealed"].items()}
            opened = people.open(UUID(member), fields)
            assert (opened.fields, opened.erased_at is not None) == ({}, True)
