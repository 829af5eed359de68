"""The exceptions of the package.

Everything that a user can cause is reported as an `MGPError` whose message is one clear line that
names the file or setting and what is wrong with it. Anything else that escapes is a bug.
"""


class MGPError(Exception):
    """Base class of all errors that bad input or bad settings can cause."""


class WeightsError(MGPError):
    """A weights file cannot be read, or does not fit the generator it names."""


class CheckpointError(MGPError):
    """A foreign checkpoint cannot be read, is not safe to read, or has an unknown layout."""


class ImageError(MGPError):
    """An image cannot be read, or does not have the size or form that is needed."""


class SettingError(MGPError, ValueError):
    """A setting is out of its range, or two settings do not go together."""


class AddressError(MGPError):
    """An address is of no known kind of store, or the package for it is not installed."""


class OutputError(MGPError):
    """Results cannot be written, for example because the disk is full."""


class UserCodeError(MGPError):
    """A function that the user has brought raised something; the message holds its traceback."""
