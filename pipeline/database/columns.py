"""The columns of a table, as the class of its rows names them."""

from dataclasses import fields

from psycopg.sql import SQL


def columns_of(row: type) -> SQL:
    """Quoted, with commas between, and one piece of text: a statement is rendered anew each time that it is made.

    `row` is a frozen dataclass whose fields are the columns; their names are ours, so none can hold a quote.
    """
    names = ", ".join(f'"{field.name}"' for field in fields(row))
    return SQL(names)
