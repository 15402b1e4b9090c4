"""The card of a mix: what is in it, where it comes from, and under which licences."""
