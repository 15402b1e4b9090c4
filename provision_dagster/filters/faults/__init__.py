"""Faults that are put into questions on purpose, with a ledger of which row has which: do the filters find them?"""
