"""Models behind one interface: providers, retries, the catalog, and a scripted model for tests and demos.

``akmon_models.registry.open_model`` is the way in. Importing this package loads no SDK and no HTTP
client: they are loaded when a model is first asked something.
"""

__version__ = "0.1.0"
