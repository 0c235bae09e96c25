"""Nobody changes what is recorded: the application has no right to, and its owner is refused, too."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import Connection
from psycopg.errors import InsufficientPrivilege

from infra.append_only import GUARDED, LogNotMade, enforced, make_log
from infra.bootstrap import bootstrap
from infra.database import connect, make_tables
from infra.embedded.services import EmbeddedServices
from infra.log_tables import BESIDE, TABLES
from infra.settings import Settings

CHANGES = {
    "UPDATE": "UPDATE facts SET state = 'x'",
    "DELETE": "DELETE FROM facts",
    "DELETE of nothing": "DELETE FROM facts WHERE false",
    "TRUNCATE": "TRUNCATE facts",
    "UPDATE of hashes": "UPDATE fact_hashes SET root = 'x'",
    "DELETE of hashes": "DELETE FROM fact_hashes",
    "TRUNCATE of hashes": "TRUNCATE fact_hashes",
    "UPDATE of checkpoints": "UPDATE checkpoints SET note = 'x'",
    "DELETE of checkpoints": "DELETE FROM checkpoints",
    "TRUNCATE of checkpoints": "TRUNCATE checkpoints, facts",
}
ONE = (
    "INSERT INTO facts VALUES (1, gen_random_uuid(), 1, 'X.v1', 'x', gen_random_uuid(), now());"
    " INSERT INTO fact_hashes VALUES (1, 'x', NULL); INSERT INTO checkpoints VALUES (1, now(), 'x')"
)


@pytest.fixture
def settings(services: EmbeddedServices, database_url: str, kafka: str, tmp_path: Path) -> Settings:
    """The application is not the owner, as in a data directory of our own."""
    assert services.postgres is not None
    name = database_url.rpartition("/")[2]
    return Settings(
        database_url=services.postgres.url_of(name, application=True), owner_database_url=database_url,
        kafka_bootstrap_servers=kafka, data_dir=tmp_path,
    )  # fmt: skip


@pytest.fixture
def application(settings: Settings) -> Iterator[Connection]:
    make_log(settings)
    with connect(settings.database_url) as connection:
        connection.execute(ONE)
        yield connection


@pytest.mark.parametrize("change", CHANGES)
def test_the_application_has_no_right_to_change_anything(application: Connection, change: str) -> None:
    with pytest.raises(InsufficientPrivilege, match="permission denied for table"):
        application.execute(CHANGES[change].encode())


@pytest.mark.parametrize("change", CHANGES)
def test_the_owner_is_refused_too(application: Connection, settings: Settings, change: str) -> None:
    with connect(settings.owner_database_url) as owner:
        for role in ("origin", "replica"):
            owner.execute(f"SET session_replication_role = {role}".encode())
            with pytest.raises(InsufficientPrivilege, match=r"is append-only: (UPDATE|DELETE|TRUNCATE) is refused"):
                owner.execute(CHANGES[change].encode())
        assert owner.execute("SELECT count(*) FROM facts").fetchone() == (1,)


def test_the_application_cannot_take_the_guard_away(application: Connection) -> None:
    for statement in ("ALTER TABLE facts DISABLE TRIGGER ALL", "DROP TABLE facts", "DROP TRIGGER append_only ON facts"):
        with pytest.raises(InsufficientPrivilege):
            application.execute(statement.encode())


def test_it_is_told_what_holds_the_application_to_it(application: Connection, settings: Settings) -> None:
    assert str(enforced(application)) == "rights and triggers"
    with connect(settings.owner_database_url) as owner:
        assert str(enforced(owner)) == "triggers"
        owner.execute("ALTER TABLE facts DISABLE TRIGGER append_only")
        assert str(enforced(application)) == "rights; not as it was made is the trigger on facts"
        found = enforced(owner)
        assert (found.by, found.unguarded) == ("rights or triggers, in part", ["facts"])
        assert found.lacking[0] == "nothing refuses it on facts"
        owner.execute("GRANT DELETE ON checkpoints TO loyalty_app")
        found = enforced(application)
        assert (found.by, found.unguarded, found.may_change) == ("rights or triggers, in part", [], ["checkpoints"])
        for table in GUARDED[1:]:
            owner.execute(f"DROP TRIGGER append_only ON {table}".encode())
        assert enforced(owner).by == "nothing"
        make_log(settings)
        assert str(enforced(application)) == "rights and triggers"


def test_a_trigger_that_does_something_else_is_no_guard(application: Connection, settings: Settings) -> None:
    with connect(settings.owner_database_url) as owner:
        owner.execute(
            "CREATE OR REPLACE TRIGGER append_only BEFORE DELETE ON facts EXECUTE FUNCTION refuse_change();"
            " ALTER TABLE facts ENABLE ALWAYS TRIGGER append_only"
        )
        assert enforced(application).without_trigger == ["facts"]
        make_log(settings)
        assert enforced(application).by == "rights and triggers"
        owner.execute(
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
        )
        assert list(enforced(application).without_trigger) == list(GUARDED)
        make_log(settings)
        assert enforced(application).by == "rights and triggers"


def test_one_role_for_both_is_guarded_by_triggers(database_url: str) -> None:
    settings = Settings(database_url=database_url)
    make_log(settings)
    with connect(database_url) as both:
        assert enforced(both).by == "triggers"
        both.execute(ONE)
        with pytest.raises(InsufficientPrivilege, match="facts is append-only: DELETE is refused"):
            both.execute("DELETE FROM facts")


def test_the_application_makes_everything_else_by_itself(settings: Settings) -> None:
    make_log(settings)
    alone = settings.model_copy(update={"owner_database_url": None})
    bootstrap(alone)
    bootstrap(alone)
    with connect(settings.database_url) as application:
        owners: dict[str, str] = dict(
            application.execute("SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public'")
        )
    assert {name for name, owner in owners.items() if owner != "loyalty_app"} == set(GUARDED)


def test_what_an_older_release_made_as_the_owner_is_handed_over(settings: Settings) -> None:
    with connect(settings.owner_database_url) as owner:
        make_tables(owner, TABLES)
        owner.execute(
            "CREATE SCHEMA balances_1 CREATE TABLE lots (number bigint GENERATED ALWAYS AS IDENTITY, id serial)"
        )
    make_log(settings)
    with connect(settings.database_url) as application:
        make_tables(application, BESIDE)
        application.execute("INSERT INTO balances_1.lots DEFAULT VALUES")
        application.execute("DROP SCHEMA balances_1 CASCADE")
        assert enforced(application).by == "rights and triggers"


def test_an_application_that_may_not_make_the_log_says_who_must(settings: Settings) -> None:
    make_log(settings)
    with connect(settings.owner_database_url) as owner:
        owner.execute("DROP TABLE checkpoints")
    with pytest.raises(LogNotMade, match="LOYALTY_OWNER_DATABASE_URL"):
        make_log(settings.model_copy(update={"owner_database_url": None}))


def test_roles_are_not_told_who_the_owner_is(settings: Settings) -> None:
    assert settings.environment()["LOYALTY_OWNER_DATABASE_URL"] == ""
    assert psycopg.conninfo.conninfo_to_dict(settings.environment()["LOYALTY_DATABASE_URL"])["user"] == "loyalty_app"
