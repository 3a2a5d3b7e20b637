"""Formats tables and pictures for the page of a sweep in MLflow."""

from src.columns import fitted
from src.results import table
from src.results.leaderboard import Standing
from src.results.table import Row

MOST_ROWS = 12  # of the ranking


def tables(standing: Standing, conclusions: list[str], published: list[Row]) -> list[str]:
    """Returns the ranking, the conclusions, and the comparison with published figures."""
    rows = table.ranked(standing)
    rest = f"{len(rows) - MOST_ROWS} more in table.csv" if len(rows) > MOST_ROWS else ""
    lines = "\n".join(f"- {line}" for line in conclusions)
    return [_as_text(table.for_people(rows[:MOST_ROWS])), rest, lines, _as_text(as_texts(published))]


def as_texts(rows: list[Row]) -> list[dict[str, str]]:
    """Formats the cells of rows for people."""
    return [{name: table.cell(value, name) for name, value in row.items()} for row in rows]


def picture(name: str, run_id: str | None) -> str:
    """Returns the Markdown that shows a picture of a run on MLflow's pages."""
    return f"![{name}](get-artifact?path={name}&run_uuid={run_id})"


def _as_text(rows: list[dict[str, str]]) -> str:
    """Returns a table as on a terminal, because MLflow shows Markdown tables without space between the cells."""
    laid_out = fitted(rows)
    return "\n".join(["```", *laid_out.header, *laid_out.body, "```"]) if rows else ""
