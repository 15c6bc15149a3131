"""The providers: one package each, with ``encode`` (pure), ``decode`` (pure) and ``client`` (the SDK)."""
