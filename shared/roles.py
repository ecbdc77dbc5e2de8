"""
The database's roles: each service is one that may only add to its inbox, acts, roots and policies.

`arrears migrate` runs `secure` behind the migrations of a service, again and again without harm: so a table
that a later migration adds has its rights, and so has a database that was restored without any.
"""

from sqlalchemy import Connection

from shared.events.registry import SERVICES

APPEND_ONLY = ("acts", "inbox", "policies", "roots")
READ_ONLY = ("alembic_version", "case_starts")
VAULT = {
    "points": {
        "notifier": "SELECT, INSERT, UPDATE, DELETE",
        "visits": "SELECT",
        "legal": "SELECT",
    },
    "files": {"notifier": "SELECT, INSERT, UPDATE"},
    "holders": {"notifier": "SELECT, INSERT, UPDATE, DELETE"},
    # To lock a customer's key against forgetting needs the right to update some column, and no more than one.
    "keys": dict.fromkeys(SERVICES, "SELECT, INSERT, UPDATE (created_at)"),
}
"""What services may do with the tables of the schema `vault`; who is not named does not even see a table."""
_PARTITIONS = 0x41525249


def role_of(service: str) -> str:
    """Answer the name of the service's role; it cannot log in: the account that does is made a member of it."""
    return f"arrears_{service}"


def secure(connection: Connection, service: str) -> None:
    """
    Make the roles that are missing, and give the service's role what it needs and no more.

    The caller owns the tables, and may make roles unless they are there.
    """
    for name in SERVICES:
        connection.exec_driver_sql(_make_role(role_of(name)))
    connection.exec_driver_sql(_partition_maker(service))
    connection.exec_driver_sql(_grants(service, role_of(service)))
    for table, rights in VAULT.items():
        for name in SERVICES:
            connection.exec_driver_sql(_vault_grants(table, role_of(name), rights.get(name, "")))


def _make_role(role: str) -> str:
    # Roles belong to the whole server: somebody may make it for another database at this moment.
    return f"""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                CREATE ROLE {role} NOLOGIN;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
    """


def _partition_maker(schema: str) -> str:
    """Answer the function that makes months of the inbox: the service's role may not make tables itself."""
    return f"""
        CREATE OR REPLACE FUNCTION "{schema}".make_inbox_months(months date[]) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = "{schema}", pg_temp AS $$
        DECLARE
            month date;
            name text;
        BEGIN
            PERFORM pg_advisory_xact_lock({_PARTITIONS}, hashtext('{schema}'));
            FOREACH month IN ARRAY months LOOP
                IF month <> date_trunc('month', month)::date THEN
                    RAISE EXCEPTION '% is no first day of a month', month;
                END IF;
                name := to_char(month, '"inbox_"YYYY_MM');
                CONTINUE WHEN to_regclass(format('"{schema}".%I', name)) IS NOT NULL;
                -- Attached, not created in place: that would shut readers and writers of the whole inbox out.
                EXECUTE format('CREATE TABLE "{schema}".%I (LIKE "{schema}".inbox INCLUDING ALL)', name);
                EXECUTE format('ALTER TABLE "{schema}".inbox ATTACH PARTITION "{schema}".%I FOR VALUES IN (%L)',
                    name, month);
            END LOOP;
        END $$
    """  # noqa: S608  constants


def _grants(schema: str, role: str) -> str:
    """Answer the grants in the service's schema. Months of the inbox have none: they are reached through it."""
    return f"""
        DO $$
        DECLARE
            name text;
        BEGIN
            GRANT USAGE ON SCHEMA "{schema}" TO {role};
            FOR name IN SELECT relname FROM pg_class
                WHERE relnamespace = '"{schema}"'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
            LOOP
                EXECUTE format('REVOKE ALL ON "{schema}".%I FROM {role}', name);
                EXECUTE format('GRANT %s ON "{schema}".%I TO {role}',
                    CASE WHEN name = ANY(ARRAY{list(APPEND_ONLY)}) THEN 'SELECT, INSERT'
                        WHEN name = ANY(ARRAY{list(READ_ONLY)}) THEN 'SELECT'
                        ELSE 'SELECT, INSERT, UPDATE, DELETE' END, name);
            END LOOP;
            GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA "{schema}" TO {role};
            REVOKE ALL ON FUNCTION "{schema}".make_inbox_months(date[]) FROM PUBLIC;
            GRANT EXECUTE ON FUNCTION "{schema}".make_inbox_months(date[]) TO {role};
        END $$
    """  # noqa: S608  constants


def _vault_grants(table: str, role: str, rights: str) -> str:
    grant = f"GRANT {rights} ON vault.{table} TO {role};" if rights else ""
    return f"""
        DO $$ BEGIN
            IF to_regclass('vault.{table}') IS NOT NULL THEN
                GRANT USAGE ON SCHEMA vault TO {role};
                REVOKE ALL ON vault.{table} FROM {role};
                {grant}
            END IF;
        END $$
    """
