"""Problems of an import of products."""

from collections.abc import Mapping

from app.kit.i18n import N_
from app.kit.problems import Problem
from app.products.schemas import ProductCreate

# The fields of a new product, so a field that is added to the schema can be imported.
COLUMNS = tuple(ProductCreate.model_fields)
# Limits how long one import occupies a place in the worker: 20,000 lines take about two seconds.
MOST_LINES = 20_000


class UnreadableImport(Problem):
    """The file is not UTF-8 text, or its first line is not the header."""

    status = 422
    slug = "unreadable-import"
    title = N_("File not readable")
    detail = N_("Send a CSV file in UTF-8 whose first line is: %(header)s")

    def __init__(self) -> None:
        super().__init__(header=",".join(COLUMNS))


class TooManyLines(Problem):
    """The file has more lines than one import takes."""

    status = 422
    slug = "too-many-lines"
    title = N_("File too long")
    detail = N_("Send at most %(lines)s lines in one file.")

    def __init__(self) -> None:
        super().__init__(lines=MOST_LINES)


class WrongLine(Problem):
    """A line of the file is not a product; nothing was imported."""

    status = 422
    slug = "wrong-line"
    title = N_("Import refused")
    detail = N_("Line %(line)s is not a product: %(reason)s. Nothing was imported.")

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(line=line, reason=reason)
        self.line = line

    def members(self) -> Mapping[str, object]:
        """The number of the line, the header being 1."""
        return {"line": self.line}
