"""Facts, their hashes and the checkpoints are inserted and read, and nothing else: triggers and rights refuse the rest.

The owner of these tables is best a role of its own, used when tables are made and never by a role at work: then the database
refuses the application every other right. Triggers refuse the owner, too, who would have to take them away first.
"""

from typing import Literal, LiteralString

from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict

from infra import log_tables
from infra.database import connect, making_tables
from infra.settings import Settings

Enforced = Literal["rights and triggers", "triggers", "nothing"]

GUARDED: tuple[LiteralString, ...] = ("facts", "fact_hashes", "checkpoints")

_FUNCTION: LiteralString = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$
"""
# It looks first, as it would lock everybody out; and it holds for replicas' sessions, which pass other triggers over.
_TRIGGER: LiteralString = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = '{table}'::regclass AND tgname = 'append_only' AND tgenabled = 'A') THEN
        CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only;
    END IF;
END $$
"""
_MADE = """
SELECT bool_and(to_regclass(name) IS NOT NULL), coalesce(bool_and(pg_has_role(tableowner::name, 'MEMBER')), true)
FROM unnest(%s::text[]) AS name LEFT JOIN pg_tables ON (schemaname, tablename) = (current_schema, name)
"""
_ENFORCED = """
SELECT bool_and(EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass(name) AND tgname = 'append_only' AND tgenabled = 'A')),
    bool_or(has_table_privilege(to_regclass(name), 'UPDATE, DELETE, TRUNCATE') OR pg_has_role(relowner, 'MEMBER'))
FROM unnest(%s::text[]) AS name LEFT JOIN pg_class ON pg_class.oid = to_regclass(name)
"""
# An older release let the owner make everything.
_HAND_OVER = """
SELECT format('ALTER %%s %%s OWNER TO %%I', CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, pg_class.oid::regclass, %(role)s::text)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'S') AND relowner = to_regrole(current_user) AND relname <> ALL(%(guarded)s)
    AND nspname NOT LIKE 'pg\\_%%' AND nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND classid = 'pg_class'::regclass AND deptype IN ('i', 'a'))
UNION ALL SELECT format('ALTER SCHEMA %%I OWNER TO %%I', nspname, %(role)s::text) FROM pg_namespace
WHERE nspowner = to_regrole(current_user) AND nspname NOT LIKE 'pg\\_%%' AND nspname NOT IN ('public', 'information_schema')
"""


class LogNotMade(RuntimeError):
    """The tables of the log are not there, and this role may not make them."""


def make_log(settings: Settings) -> None:
    """Make the tables of the log as their owner, guard them, and give the application what it needs of them.

    Whoever is not the owner finds them made.
    """
    with connect(settings.owner_database_url or settings.database_url) as owner, making_tables(owner):
        row = owner.execute(_MADE, (list(GUARDED),)).fetchone()
        assert row is not None, "an aggregate always has a row"
        made, ours = row
        if not ours:
            if not made:
                raise LogNotMade(
                    "tables of the log are missing, and belong to another role: start once with LOYALTY_OWNER_DATABASE_URL"
                )
            return
        for statement in (*log_tables.LOG, _FUNCTION):
            owner.execute(statement)
        for table in GUARDED:
            owner.execute(_TRIGGER.format(table=table))
        role = conninfo_to_dict(settings.database_url or "").get("user")
        if settings.owner_database_url and isinstance(role, str) and role != owner.info.user:
            _give(owner, role)


def enforced(log: Connection) -> Enforced:
    """What holds the application to inserting and reading: asked by a connection of its own."""
    row = log.execute(_ENFORCED, (list(GUARDED),)).fetchone()
    assert row is not None, "an aggregate always has a row"
    guarded, may_change = row
    if not guarded:
        return "nothing"
    return "triggers" if may_change else "rights and triggers"


def _give(owner: Connection, role: str) -> None:
    """To insert and to read; and to make tables of its own, which are no log."""
    names = {"role": sql.Identifier(role), "database": sql.Identifier(owner.info.dbname)}
    tables = sql.SQL(", ").join(map(sql.Identifier, GUARDED))
    grants = (
        "GRANT CREATE, TEMPORARY ON DATABASE {database} TO {role}",
        "GRANT CREATE, USAGE ON SCHEMA public TO {role}",
        "REVOKE ALL ON {tables} FROM {role}",
        "GRANT SELECT, INSERT ON {tables} TO {role}",
    )
    with owner.transaction():
        for grant in grants:
            owner.execute(sql.SQL(grant).format(**names, tables=tables))
        for (statement,) in owner.execute(_HAND_OVER, {"role": role, "guarded": list(GUARDED)}).fetchall():
            owner.execute(statement)
