"""Exceptions of the package. Every error a user can cause derives from `ProvisionError`."""


class ProvisionError(Exception):
    """Base of all errors that this package raises on purpose; the command line prints its message and exits 2."""


class InputError(ProvisionError):
    """An input file or option is unusable; the message names file, field, allowed values and what was got."""


class SchemaError(ProvisionError):
    """A table does not have its declared schema; the message names table, column, expected and found type."""


class UnsafeFileError(InputError):
    """A file asked for something that is not allowed, such as a pickle that imports a callable."""


class MissingExtraError(ProvisionError):
    """An optional dependency is not installed; the message is the command that installs it."""

    def __init__(self, extra: str, *, needs: str) -> None:
        super().__init__(f"`{needs}` is not installed: pip install 'provision_dagster[{extra}]'")
