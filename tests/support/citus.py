"""
Stand-ins for what Citus gives a database, so that what spreads the tables can be run without it.

They have the names, signatures and tables of Citus 13, and refuse what it refuses: a table that is spread already,
another type of its key, a foreign key to one that is not spread or not beside it or not on the key, a key or unique
constraint without the key.
The rows of a table that was spread are in the schema `shards`; what is left in the table itself is of no use.
"""

from __future__ import annotations

import psycopg
from psycopg.sql import SQL, Identifier

from sync.database.engine import Database
from tests.support.databases import plain

_SCRIPT = """
CREATE SCHEMA citus;
CREATE SCHEMA shards;
CREATE TYPE citus.distribution_type AS ENUM ('hash', 'range', 'append');
CREATE TYPE citus.noderole AS ENUM ('primary', 'secondary', 'unavailable');
CREATE TABLE citus.pg_dist_local_group (groupid int PRIMARY KEY);
INSERT INTO citus.pg_dist_local_group VALUES (0);
CREATE TABLE citus.pg_dist_node (
    nodeid serial PRIMARY KEY, groupid int NOT NULL, nodename text NOT NULL, nodeport int NOT NULL DEFAULT 5432,
    isactive bool NOT NULL DEFAULT true, noderole citus.noderole NOT NULL DEFAULT 'primary',
    shouldhaveshards bool NOT NULL DEFAULT true
);
CREATE TABLE citus.pg_dist_partition (
    logicalrelid regclass PRIMARY KEY, partmethod "char" NOT NULL, partkey text,
    colocationid int NOT NULL DEFAULT 0, repmodel "char" NOT NULL DEFAULT 'c'
);
CREATE SEQUENCE citus.groups;

CREATE FUNCTION citus.column_to_column_name(table_name regclass, column_var_text text) RETURNS text
LANGUAGE sql STRICT AS $$ SELECT attname::text FROM pg_attribute
    WHERE attrelid = table_name AND attnum = column_var_text::int $$;

CREATE FUNCTION citus.moved(table_name regclass) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    IF EXISTS (SELECT FROM citus.pg_dist_partition WHERE logicalrelid = table_name) THEN
        RAISE 'table "%" is already distributed', table_name;
    END IF;
    EXECUTE format('CREATE TABLE shards.%I AS TABLE %s',
        (SELECT relname FROM pg_class WHERE oid = table_name), table_name);
END $$;

CREATE FUNCTION citus.create_distributed_table(
    table_name regclass, distribution_column text, distribution_type citus.distribution_type DEFAULT 'hash',
    colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    key pg_attribute; beside record; constrained record; number int;
BEGIN
    SELECT * INTO STRICT key FROM pg_attribute WHERE attrelid = table_name AND attname = distribution_column;
    IF colocate_with IN ('default', 'none') THEN
        number := nextval('citus.groups');
    ELSIF shard_count IS NOT NULL THEN
        RAISE 'Cannot use colocate_with with a table and shard_count at the same time';
    ELSE
        SELECT placed.colocationid, other.atttypid INTO STRICT beside
            FROM citus.pg_dist_partition AS placed
            JOIN pg_attribute AS other ON other.attrelid = logicalrelid AND other.attnum = partkey::int
            WHERE logicalrelid = colocate_with::regclass;
        IF beside.atttypid <> key.atttypid THEN
            RAISE 'cannot colocate tables % and %', colocate_with, table_name;
        END IF;
        number := beside.colocationid;
    END IF;
    FOR constrained IN SELECT * FROM pg_constraint WHERE conrelid = table_name LOOP
        IF constrained.contype IN ('p', 'u') AND NOT key.attnum = ANY (constrained.conkey) THEN
            RAISE 'cannot create constraint on "%"', table_name;
        ELSIF constrained.contype = 'f' AND NOT EXISTS (
            SELECT FROM citus.pg_dist_partition AS placed
            WHERE logicalrelid = constrained.confrelid AND placed.colocationid = number
            AND array_position(constrained.conkey, key.attnum) = array_position(constrained.confkey, partkey::int2)
        ) THEN
            RAISE 'cannot create foreign key constraint';
        END IF;
    END LOOP;
    PERFORM citus.moved(table_name);
    INSERT INTO citus.pg_dist_partition VALUES (table_name, 'h', key.attnum::text, number, 's');
END $$;

CREATE FUNCTION citus.undistribute_table(
    table_name regclass, cascade_via_foreign_keys boolean DEFAULT false
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE name text := (SELECT relname FROM pg_class WHERE oid = table_name);
BEGIN
    DELETE FROM citus.pg_dist_partition WHERE logicalrelid = table_name;
    IF NOT FOUND THEN
        RAISE 'cannot undistribute table because the table is not distributed';
    END IF;
    EXECUTE format('TRUNCATE %s', table_name);
    EXECUTE format('INSERT INTO %s SELECT * FROM shards.%I', table_name, name);
    EXECUTE format('DROP TABLE shards.%I', name);
END $$;

CREATE FUNCTION citus.create_reference_table(table_name regclass) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    PERFORM citus.moved(table_name);
    INSERT INTO citus.pg_dist_partition VALUES (table_name, 'n', NULL, 0, 't');
END $$;

CREATE FUNCTION citus.citus_add_local_table_to_metadata(
    table_name regclass, cascade_via_foreign_keys boolean DEFAULT false
) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    IF NOT EXISTS (SELECT FROM citus.pg_dist_node WHERE groupid = 0) THEN
        RAISE 'could not find the coordinator node in the metadata as it is not added as a worker';
    END IF;
    INSERT INTO citus.pg_dist_partition VALUES (table_name, 'n', NULL, 0, 's');
END $$;

CREATE FUNCTION citus.truncate_local_data_after_distributing_table(function_name regclass) RETURNS void
LANGUAGE plpgsql AS $$ BEGIN
    IF EXISTS (
        SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid = function_name
        AND conrelid NOT IN (SELECT logicalrelid FROM citus.pg_dist_partition)
    ) THEN
        RAISE 'cannot truncate a table referenced in a foreign key constraint by a local table';
    END IF;
    EXECUTE format('TRUNCATE %s CASCADE', function_name);
END $$;

CREATE FUNCTION citus.keep_keys() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
    IF EXISTS (SELECT FROM citus.pg_dist_partition WHERE logicalrelid = pg_event_trigger_table_rewrite_oid()) THEN
        RAISE 'cannot execute ALTER TABLE command involving partition column';
    END IF;
END $$;
CREATE EVENT TRIGGER keep_keys ON table_rewrite EXECUTE FUNCTION citus.keep_keys();

CREATE FUNCTION citus.forget() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE gone record;
BEGIN
    FOR gone IN SELECT * FROM pg_event_trigger_dropped_objects() WHERE object_type = 'table' LOOP
        DELETE FROM citus.pg_dist_partition WHERE logicalrelid::oid = gone.objid;
        EXECUTE format('DROP TABLE IF EXISTS shards.%I', gone.object_name);
    END LOOP;
END $$;
CREATE EVENT TRIGGER forget ON sql_drop EXECUTE FUNCTION citus.forget();
"""
_EXTENSION = (
    "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)"
    " VALUES (999999, 'citus', 10, 'pg_catalog'::regnamespace::oid, false, '13.2-1')"
)
_NODE = "INSERT INTO citus.pg_dist_node (groupid, nodename, shouldhaveshards) VALUES (%s, %s, %s)"


def stand_in(database: Database, *machines: str) -> None:
    """Let *database* be the one at the coordinator of a cluster with *machines* that take rows."""
    with psycopg.connect(plain(database.url), autocommit=True) as connection:
        connection.execute(_SCRIPT)
        connection.execute(_EXTENSION)
        name = Identifier(str(database.url.database))
        connection.execute(SQL("ALTER DATABASE {} SET search_path = public, citus").format(name))
        for number, machine in enumerate(("coordinator", *machines)):
            connection.execute(_NODE, (number, machine, number > 0))
    database.dispose()
