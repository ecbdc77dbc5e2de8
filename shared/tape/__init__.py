"""Turn a bank's monthly loan tape into core-banking events, by a mapping."""

from shared.tape.importer import import_tape
from shared.tape.mapping import MappingError
from shared.tape.report import BadRow, ImportReport
from shared.tape.rows import TapeError

__all__ = ["BadRow", "ImportReport", "MappingError", "TapeError", "import_tape"]
