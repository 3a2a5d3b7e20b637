"""Conclusions from trials that ended: leaderboards, differences between runs, the report."""
