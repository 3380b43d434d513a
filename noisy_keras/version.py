"""The version, in one place; `setup.cfg` and every run's config read it."""

__version__ = "0.2.0.dev0"
