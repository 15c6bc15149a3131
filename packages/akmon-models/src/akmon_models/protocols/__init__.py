"""Protocols that several providers speak, as pure encoders and decoders."""
