"""Ways of working that span turns: plans, specs."""
