"""What MLflow's page of a sweep shows: tables as text, and pictures."""

from src.columns import fitted
from src.results import table
from src.results.leaderboard import Standing
from src.results.table import Row

MOST_NOTED = 12  # rows


def tables(standing: Standing, said: list[str], published: list[Row]) -> list[str]:
    """Returns the ranking, what may be concluded, and the comparison with published figures."""
    rows = table.ranked(standing)
    rest = f"{len(rows) - MOST_NOTED} more in table.csv" if len(rows) > MOST_NOTED else ""
    lines = "\n".join(f"- {line}" for line in said)
    return [_as_text(table.for_people(rows[:MOST_NOTED])), rest, lines, _as_text(as_texts(published))]


def as_texts(rows: list[Row]) -> list[dict[str, str]]:
    """Rows as people read them."""
    return [{name: table.cell(value, name) for name, value in row.items()} for row in rows]


def picture(name: str, run_id: str | None) -> str:
    """Returns a picture of a run, in the markdown of MLflow's own pages."""
    return f"![{name}](get-artifact?path={name}&run_uuid={run_id})"


def _as_text(rows: list[dict[str, str]]) -> str:
    """Returns a table as it is on a terminal; MLflow shows a table of Markdown without space between its cells."""
    found = fitted(rows)
    return "\n".join(["```", *found.header, *found.body, "```"]) if rows else ""
