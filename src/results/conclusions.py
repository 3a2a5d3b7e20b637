"""Draws conclusions from a standing, in sentences for the terminal, MLflow's description and the report."""

import math
from collections.abc import Iterator, Sequence

from scipy.special import ndtri

from src.results.entries import Entry
from src.results.leaderboard import Group, Standing
from src.results.selection import Expected, expected
from src.significance import ERROR

SUGGESTED = 4  # new seeds that are suggested if each configuration has one


def conclusions(standing: Standing) -> list[str]:
    """Returns sentences about differences, validation examples and the score to expect of the best configuration.

    Of the groups that are not ranked against each other, only the first three are described.
    """
    lines = []
    for group in standing.groups[:3]:
        found = [*_chance(group), *_failures(group), *_new_examples(group), *_expected(group)]
        if found and (name := group_name(standing, group)):
            lines.append(f"{name}:")
        lines += found
    lines += _front(standing)
    if pruned := sum(bool(entry.trials) and not entry.whole for entry in standing.entries):
        rows = "1 row was" if pruned == 1 else f"{pruned} rows were"
        lines.append(f"{rows} pruned at the epoch in the column state: others trained longer, so there is no rank")
    return lines


def _front(standing: Standing) -> Iterator[str]:
    """Yields sentences about the rows that are marked, if there are two objectives."""
    if not standing.second or not standing.groups:
        return
    count, scored = sum(standing.front), sum(bool(entry.trials) for entry in standing.entries)
    both = f"{standing.objective.name} and {standing.second.name}"
    apart = " on the same data, folds and epochs" if len(standing.groups) > 1 else ""
    words = f"no other{apart} has a better mean in one and no worse mean in the other; the difference may be chance"
    yield f"front of {both}: {count} of {scored} rows; {words}"
    if without := sum(bool(entry.trials) and entry.second is None for entry in standing.entries):
        yield f"{without} row{' has' if without == 1 else 's have'} no {standing.second.name}, and no place in the front"


def group_name(standing: Standing, group: Group) -> str:
    """Names a group by its differences from the others; empty if it is the only one."""
    if len(standing.groups) == 1:
        return ""
    first, firsts = group.entries[0], [one.entries[0] for one in standing.groups]
    parts = [standing.origin(first)] if len(standing.by_data) > 1 else []
    if len({one.folds for one in firsts}) > 1:
        parts.append(f"folds {', '.join(map(str, first.folds)) or 'none'}")
    if len({one.epochs for one in firsts}) > 1:
        parts.append(f"{first.epochs} epoch{'s' if first.epochs > 1 else ''}")
    return ", ".join(filter(None, parts))


def brief(number: float) -> str:
    """Formats a number with two significant digits.

    >>> brief(0.0023456), brief(1234.5), brief(0.0)
    ('0.0023', '1200', '0')
    """
    return f"{float(f'{number:.2g}'):.10g}"


def repeats(entries: Sequence[Entry]) -> str:
    """Returns the word for the repeats of entries: "seeds", or "repeats" if they differ in folds, too."""
    return "repeats" if any(len(entry.folds) > 1 for entry in entries) else "seeds"


def new_seeds(entries: Sequence[Entry], count: int) -> str:
    """Returns seeds that no entry used, in Hydra's syntax: a list, or a range if there are many."""
    used = [int(trial.values.get("seed", 42)) for entry in entries for trial in entry.all]
    first = max(used) + 1
    return ",".join(map(str, range(first, first + count))) if count < 6 else f"'range({first},{first + count})'"


def _chance(group: Group) -> Iterator[str]:
    if len(group.entries) < 2:
        return
    repeated = [entry for entry in group.entries if entry.spread is not None]
    if not repeated:
        seeds = new_seeds(group.entries, SUGGESTED)
        yield f"one seed each: nothing says how much scores vary by chance; repeat with seed={seeds}"
        return
    seeds, comparison = repeats(repeated), group.comparison
    if comparison.alike:
        where = f"pooled over {len(repeated)} configurations with" if len(repeated) > 1 else "of one configuration with"
        counts = sorted({len(entry.scores) for entry in repeated})
        each = f"{counts[0]} {seeds}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} {seeds}"
        known = f"the spread between {seeds} is {brief(comparison.pooled)}, {where} {each}{' each' if len(repeated) > 1 else ''}"
        yield f"differences below {brief(comparison.least())} may be chance: {known}" if len(group.compared) > 1 else known
    else:
        spreads = [entry.spread or 0.0 for entry in repeated]
        low, high = brief(min(spreads)), brief(max(spreads))
        yield f"the spreads between {seeds} differ, {low} to {high}: two rows are compared by their own, and few {seeds} tell little"
    if alone := len(group.entries) - (len(group.compared) if comparison.alike else len(repeated)):
        have, are = ("configuration has", "is") if alone == 1 else ("configurations have", "are")
        yield f"{alone} {have} one score and no known spread, and {are} not compared with others"


def _failures(group: Group) -> Iterator[str]:
    incomplete = [entry for entry in group.entries if not entry.complete]
    if incomplete:
        rows = "1 row has" if len(incomplete) == 1 else f"{len(incomplete)} rows have"
        kinds = ["failed"] if any(entry.failed for entry in incomplete) else []
        kinds += ["pruned"] if any(entry.pruned for entry in incomplete) else []
        yield f"{rows} {' and '.join(kinds)} repeats, which its mean leaves out: such a row counts as better than none"


def _new_examples(group: Group) -> Iterator[str]:
    """Yields how far the best score may be from that on new examples, by Wilson's interval (1927, J. Am. Stat. Assoc. 22)."""
    if not group.of_shares or repeats(group.entries) != "seeds":  # folds validate on other examples each
        return
    share, count, z = group.entries[0].mean, group.examples, float(ndtri(1 - ERROR / 2))
    if math.isfinite(share):
        half = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + (z / 2 / count) ** 2)
        yield f"all scores are of the same {count} validation examples; on new examples of the kind ± {brief(half)} (95 %)"


def _expected(group: Group) -> Iterator[str]:
    found = expected_of_best(group)
    if found:
        yield (
            f"selected at {group.entries[0].mean:.4f}, as the first of {len(group.tied)} that are not told apart;"
            f" expect about {found.mean:.4f} of a new run (its mean: {found.low:.4f} to {found.high:.4f})"
        )


def expected_of_best(group: Group) -> Expected | None:
    """Returns the score to expect of new runs of the first entry.

    None if its spread is not known, or no other entry is tied with it, so that it was not selected by chance.
    """
    tied = [group.entries[place] for place in group.compared if group.ranks[place][0] == 1]
    if len(tied) < 2 or tied[0] is not group.entries[0] or not group.comparison.known:
        return None
    errors = [group.comparison.error(entry.spread, len(entry.scores)) for entry in tied]
    return expected([entry.mean for entry in tied], errors, group.comparison.freedom)
