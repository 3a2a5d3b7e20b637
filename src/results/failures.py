"""Finds the key whose value decides which configurations fail."""

from collections.abc import Iterator

from src.results.leaderboard import Entry, Standing
from src.significance import ERROR
from src.space.values import is_number, value_text

LEAST_FAILED = 2  # failed configurations, because a single failure may be chance


def failures(standing: Standing) -> list[str]:
    """Returns a line about the key that decides on failure, if one does beyond chance. If none does, at most 5 % of sweeps name one.

    Numbers are compared by ranks (Mann and Whitney 1947), each word with all others by Fisher's exact test. The p-values are multiplied
    by their number (Bonferroni's correction).
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
    """Yields (p-value, key, place of the failures) for each test of one key. Entries without the key do not count."""
    from scipy.stats import fisher_exact, mannwhitneyu

    values = [(entry.values[key], bad) for entry, bad in zip(entries, failed, strict=True) if key in entry.values]
    bad, good = [value for value, is_bad in values if is_bad], [value for value, is_bad in values if not is_bad]
    if not bad or not good:
        return
    if all(map(is_number, (*bad, *good))):
        statistic, p_value = mannwhitneyu(bad, good)
        yield float(p_value), key, f"at {'high' if statistic > len(bad) * len(good) / 2 else 'low'} values"
        return
    bad, good = list(map(value_text, bad)), list(map(value_text, good))
    for text in sorted({*bad, *good}):
        table = [[texts.count(text), len(texts) - texts.count(text)] for texts in (bad, good)]
        fails_more = bad.count(text) / len(bad) > good.count(text) / len(good)
        yield float(fisher_exact(table).pvalue) if fails_more else 1.0, key, f"with {key}={text}"
