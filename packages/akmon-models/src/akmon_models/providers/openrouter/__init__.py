"""OpenRouter: models of many providers behind one key."""
