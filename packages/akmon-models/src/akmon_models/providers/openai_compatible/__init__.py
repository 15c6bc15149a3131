"""A server of the user's own that speaks Chat Completions."""
