"""What the database itself enforces, beyond its tables.

Decisions are append-only: UPDATE and DELETE are refused by trigger (TRUNCATE too on
PostgreSQL), except DELETE of rows at or below the chain's signed pruning anchor. On
PostgreSQL an event carries the id of its transaction, so that readers can tell what is
still being committed below them.
"""

SQLITE = (
    """CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions
       BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END""",
    """CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions
       WHEN OLD.position > coalesce((SELECT position FROM anchors WHERE chain = OLD.chain), 0)
       BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END""",
)

POSTGRESQL = (
    """CREATE FUNCTION decisions_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP = 'DELETE' AND OLD.position <= coalesce((SELECT position FROM anchors WHERE chain = OLD.chain), 0)
         THEN RETURN OLD; END IF;
         RAISE EXCEPTION 'decisions are append-only';
       END $$""",
    """CREATE TRIGGER decisions_no_change BEFORE UPDATE OR DELETE ON decisions
       FOR EACH ROW EXECUTE FUNCTION decisions_append_only()""",
    """CREATE FUNCTION decisions_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'decisions are append-only'; END $$""",
    """CREATE TRIGGER decisions_no_truncate BEFORE TRUNCATE ON decisions
       FOR EACH STATEMENT EXECUTE FUNCTION decisions_no_truncate()""",
    # What falls into no period, because a clock was wrong, must find a place all the same.
    "CREATE TABLE bodies_default PARTITION OF bodies DEFAULT",
    "CREATE TABLE decisions_default PARTITION OF decisions DEFAULT",
    "CREATE TABLE events_default PARTITION OF events DEFAULT",
    "ALTER TABLE events ALTER COLUMN txid SET DEFAULT pg_current_xact_id()::text::bigint",
    "CREATE INDEX ix_events_txid_seq ON events (txid, seq)",
)
