"""Bedrock: models of all families at AWS, by its Converse API."""
