"""A study: the ask/tell loop over one space, its durable state, and what is told when it ends."""
