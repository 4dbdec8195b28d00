"""
What people take on PostgreSQL's disk: octets for each person and for each connection, indexes included, by table.

People with a profile of 12 fields and one connection each, all with the same person. A connection takes a row for each
of the two in each of the tables that it is in; whatever is left is what a person takes. The ratio is to the octets of
such a person's card in vCard 3.0, as a connection gets it.
"""

from __future__ import annotations

import argparse

from sqlalchemy import text

from benchmarks import databases, people

PEOPLE = 20_000
_SIZES = """
SELECT relname, pg_total_relation_size(oid), greatest(reltuples, 0) FROM pg_class
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY 2 DESC
"""
#: Tables that have rows of connections: one for each of the two.
OF_CONNECTIONS = ("connection", "disclosed_audience", "entry")


def main(*, quick: bool, picture: int) -> None:
    """Measure and print."""
    count = 200 if quick else PEOPLE
    with databases.on_postgresql() as database:
        if database is None:
            return
        people.build(database, [count], with_cards=True, picture=picture)
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
            session.execute(text("VACUUM ANALYZE"))
            card = float(session.execute(text("SELECT avg(length(body_3)) FROM card")).scalar_one())
            found = [(str(name), int(size), int(rows)) for name, size, rows in session.execute(text(_SIZES))]
    print(f"{'table':24}{'rows':>12}{'octets a row':>14}{'a person':>12}")
    for name, size, rows in found:
        if rows >= count // 2:
            print(f"{name:24}{rows:>12,}{size / rows:>14,.0f}{size / count:>12,.0f}")
    connection = sum(2 * size / rows for name, size, rows in found if name in OF_CONNECTIONS)
    person = sum(size for _, size, _ in found) / count - connection
    said = f" without its picture of {picture:,} octets" if picture else ""
    for what, octets in (("a person with 12 fields", person), ("a connection, in both address books", connection)):
        print(f"{what}: {octets:,.0f} octets, {octets / card:.2f} x a card{said}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--picture", type=int, default=0, metavar="OCTETS", help="give everybody a picture")
    arguments = parser.parse_args()
    main(quick=arguments.quick, picture=arguments.picture)
