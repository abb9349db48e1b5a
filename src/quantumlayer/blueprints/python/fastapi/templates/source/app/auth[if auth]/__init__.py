"""Who calls: accounts, tokens, keys."""
