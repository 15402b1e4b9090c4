"""The data factory for visual instruction tuning: pictures in, trustworthy training and evaluation sets out."""

__version__ = "0.1.0"
