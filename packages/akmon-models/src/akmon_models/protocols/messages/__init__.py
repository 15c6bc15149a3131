"""Messages: the protocol of Anthropic."""
