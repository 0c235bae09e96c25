"""Facts, their hashes and the checkpoints are inserted and read, and nothing else: triggers and rights refuse the rest.

The owner of these tables is best a role of its own, used when tables are made and never by a role at work: then the database
refuses the application every other right. Triggers refuse the owner, too, who would have to take them away first.
"""

from collections.abc import Sequence
from typing import Literal, LiteralString, NamedTuple

from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict

from infra import log_tables
from infra.database import connect, making_tables
from infra.settings import Settings

By = Literal["rights and triggers", "triggers", "rights", "rights or triggers, in part", "nothing"]

GUARDED: tuple[LiteralString, ...] = ("facts", "fact_hashes", "checkpoints")

_BODY: LiteralString = """ BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END """
_FUNCTION: LiteralString = (
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$" + _BODY + "$$"
)
# Enabled always; before every statement that updates, deletes or truncates (`tgtype`, bits 1, 3, 4 and 5), and no other.
_AS_MADE: LiteralString = """
tgname = 'append_only' AND tgenabled = 'A' AND tgtype = 58 AND tgqual IS NULL AND tgattr::text = ''
AND tgfoid = to_regproc('refuse_change')
"""
# It looks first, as it would lock everybody out; and it holds for replicas' sessions, which pass other triggers over.
_TRIGGER: LiteralString = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = '{table}'::regclass AND {as_made}) THEN
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
_ENFORCED: LiteralString = (
    """
SELECT name,
    EXISTS (SELECT FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid WHERE tgrelid = to_regclass(name) AND prosrc = %s AND """
    + _AS_MADE
    + """),
    coalesce(has_table_privilege(to_regclass(name), 'UPDATE, DELETE, TRUNCATE') OR pg_has_role(relowner, 'MEMBER'), true)
FROM unnest(%s::text[]) WITH ORDINALITY AS guarded (name, place) LEFT JOIN pg_class ON pg_class.oid = to_regclass(name) ORDER BY place
"""
)
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


class Enforced(NamedTuple):
    """What refuses changes, table by table."""

    without_trigger: Sequence[str]
    """Whose trigger is not as it was made: it was taken away, disabled, or does something else."""
    may_change: Sequence[str]
    """Which the role that asks has a right to change, or could give itself one."""

    @property
    def unguarded(self) -> list[str]:
        """Which nothing guards."""
        return [table for table in self.without_trigger if table in self.may_change]

    @property
    def by(self) -> By:
        """What holds for all tables."""
        if not self.without_trigger:
            return "triggers" if self.may_change else "rights and triggers"
        if not self.may_change:
            return "rights"
        return "nothing" if len(self.unguarded) == len(GUARDED) else "rights or triggers, in part"

    @property
    def lacking(self) -> list[str]:
        """What is not as it was made, in words."""
        told = []
        if self.unguarded:
            told.append(f"nothing refuses it on {', '.join(self.unguarded)}")
        if self.without_trigger:
            told.append(f"not as it was made is the trigger on {', '.join(self.without_trigger)}")
        if self.without_trigger and self.may_change:
            told.append(f"the application has a right to change {', '.join(self.may_change)}")
        return told

    def __str__(self) -> str:
        return "; ".join([self.by, *self.lacking])


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
            owner.execute(_TRIGGER.format(table=table, as_made=_AS_MADE))
        role = conninfo_to_dict(settings.database_url or "").get("user")
        if settings.owner_database_url and isinstance(role, str) and role != owner.info.user:
            _give(owner, role)


def enforced(log: Connection) -> Enforced:
    """What holds the application to inserting and reading: asked by a connection of its own."""
    rows = log.execute(_ENFORCED, (_BODY, list(GUARDED))).fetchall()
    return Enforced(
        without_trigger=[name for name, guarded, _ in rows if not guarded],
        may_change=[name for name, _, may_change in rows if may_change],
    )


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
