"""What running published code of some years ago takes: its folder on the path, and modules that it only mentions."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from unittest.mock import MagicMock


def use(folder: Path) -> None:
    sys.path.insert(0, str(folder))


def stub(*names: str) -> None:
    """Puts empty modules in the place of those that are not installed and do nothing for the results."""
    for name in names:
        parts = name.split(".")
        if parts[0] not in sys.modules and importlib.util.find_spec(parts[0]) is None or parts[0] in STUBBED:
            STUBBED.add(parts[0])
            for i in range(len(parts)):
                sys.modules.setdefault(".".join(parts[: i + 1]), Stub(".".join(parts[: i + 1])))


STUBBED: set[str] = set()


class Stub(ModuleType):
    __path__: list[str] = []
    __version__ = "0.0"

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return MagicMock(name=f"{self.__name__}.{name}")


def narrowed(function, features: int):
    """The function with another number in place of 128, the features of a coordinate at the authors' width."""
    original = getattr(function, "original", function)
    constants = tuple(features if value == 128 else value for value in original.__code__.co_consts)
    code = original.__code__.replace(co_consts=constants)
    narrow = type(original)(code, original.__globals__, original.__name__, original.__defaults__)
    narrow.original = original
    return narrow
