"""The keys that decide which configurations fail."""

from collections.abc import Iterator

from src.results.leaderboard import Entry, Standing
from src.significance import ERROR
from src.space.values import is_number, value_text

LEAST_FAILED = 2  # configurations; one alone may have had bad luck


def failures(standing: Standing) -> list[str]:
    """Says which key decides on failure, if one does beyond chance; of all sweeps in which none does, at most 5 % name one.

    Numbers are compared by ranks (Mann and Whitney 1947), each word with all others by Fisher's exact test; the p-values are corrected by
    their number.
    """
    entries = [entry for entry in standing.entries if entry.trials or entry.failed]
    failed = [bool(entry.failed) for entry in entries]
    if sum(failed) < LEAST_FAILED or all(failed):
        return []
    found = [one for key in standing.keys for one in _tests(entries, failed, key)]
    if not found:
        return []
    p_value, key, where = min(found)
    if p_value * len(found) >= ERROR:
        return []
    return [f"{key} decides on failure: {sum(failed)} of {len(entries)} configurations failed, most of them {where}"]


def _tests(entries: list[Entry], failed: list[bool], key: str) -> Iterator[tuple[float, str, str]]:
    """Yields a p-value, the key, and where failures are, for each test of one key. Only entries that have the key count."""
    from scipy.stats import fisher_exact, mannwhitneyu

    pairs = [(entry.values[key], bad) for entry, bad in zip(entries, failed, strict=True) if key in entry.values]
    groups = [[value for value, bad in pairs if bad is wanted] for wanted in (True, False)]
    if not all(groups):
        return
    if all(is_number(value) for value, _ in pairs):
        bad, good = groups
        statistic, p_value = mannwhitneyu(bad, good)
        yield float(p_value), key, f"at {'high' if statistic > len(bad) * len(good) / 2 else 'low'} values"
        return
    texts = [[value_text(value) for value in group] for group in groups]
    for text in sorted({*texts[0], *texts[1]}):
        table = [[group.count(text), len(group) - group.count(text)] for group in texts]
        more = table[0][0] * table[1][1] > table[0][1] * table[1][0]  # fails more often than the others
        yield float(fisher_exact(table).pvalue) if more else 1.0, key, f"with {key}={text}"
