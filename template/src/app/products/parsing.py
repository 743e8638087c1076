"""Read products from CSV."""

import csv
import io
import re
from collections.abc import Iterator
from typing import get_args

from pydantic import ValidationError

from app.kit.validation import describe
from app.products.problems import COLUMNS, MOST_LINES, TooManyLines, UnreadableImport, WrongLine
from app.products.schemas import ProductCreate

# Excludes `12.00`, which is not a number of minor units, and `+12`, `012` and `1_000`. Longer numbers exceed any limit.
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,19})")
_FIELDS = ProductCreate.model_fields
_REQUIRED = {name for name, field in _FIELDS.items() if field.is_required()}
_NUMBERS = {name for name, field in _FIELDS.items() if int in (field.annotation, *get_args(field.annotation))}


def check_header(data: bytes) -> str:
    """Return the file as text after checking its header and number of lines. Raises UnreadableImport or TooManyLines.

    Columns may be in any order, and optional ones may be absent.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableImport from None
    try:
        header = next(csv.reader(_lines(text)), [])
    except csv.Error:
        raise UnreadableImport from None
    if _lines_of(text) > MOST_LINES:
        raise TooManyLines
    # PostgreSQL stores no NUL in JSON.
    columns = [column.strip() for column in header]
    named = set(columns)
    if len(named) < len(columns) or not _REQUIRED <= named <= set(COLUMNS) or "\x00" in text:
        raise UnreadableImport
    return text


def parse_products(text: str) -> Iterator[ProductCreate]:
    """Yield the products of the lines after the header. Raises WrongLine for an invalid line."""
    reader = csv.reader(_lines(text))
    try:
        columns = [column.strip() for column in next(reader, [])]
        for row in reader:
            if row:
                yield _product(columns, row, reader.line_num)
    except csv.Error as error:
        # For example a field of more than 131,072 characters, after a quote that is never closed.
        raise WrongLine(reader.line_num, str(error)) from None


def _lines_of(text: str) -> int:
    """Return the number of lines. Names contain no line breaks, so there are at most as many products."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _lines(text: str) -> io.StringIO:
    # Leave line ends to the CSV reader: a lone carriage return ends a line too, or is part of a quoted field.
    return io.StringIO(text, newline="")


def _product(columns: list[str], row: list[str], line: int) -> ProductCreate:
    if len(row) != len(columns):
        raise WrongLine(line, f"{len(row)} fields")
    cells = {column: cell.strip() for column, cell in zip(columns, row, strict=True)}
    try:
        return ProductCreate.model_validate(
            {
                column: _whole_number(cell) if column in _NUMBERS else cell
                for column, cell in cells.items()
                # An empty cell is an absent field, unless the field is required.
                if cell or column in _REQUIRED
            }
        )
    except ValidationError as error:
        detail = error.errors()[0]
        raise WrongLine(line, f"{detail['loc'][0]}: {describe(detail)}") from None


def _whole_number(cell: str) -> int | str:
    """Return a number that is written as in JSON. Other text is returned unchanged, and the schema refuses it."""
    return int(cell) if _WHOLE_NUMBER.fullmatch(cell) else cell
