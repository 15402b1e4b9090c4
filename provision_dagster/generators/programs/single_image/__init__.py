"""Generators that ask about one picture."""
