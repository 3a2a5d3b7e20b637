"""What may be concluded from trials that ended: leaderboards, differences between runs, the report."""
