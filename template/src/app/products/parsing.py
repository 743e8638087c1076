"""Read products from CSV."""

import csv
import io
from collections.abc import Iterator

from pydantic import ValidationError

from app.products.problems import COLUMNS, UnreadableImport, WrongLine
from app.products.schemas import ProductCreate


def check_header(data: bytes) -> str:
    """The file as text, its header checked. Raises UnreadableImport."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableImport from None
    try:
        header = next(csv.reader(_lines(text)), [])
    except csv.Error:
        raise UnreadableImport from None
    # PostgreSQL stores no NUL in JSON.
    if [column.strip() for column in header] != list(COLUMNS) or "\x00" in text:
        raise UnreadableImport
    return text


def parse_products(text: str) -> Iterator[ProductCreate]:
    """The products of the lines after the header. Raises WrongLine at the first that is not one."""
    reader = csv.reader(_lines(text))
    try:
        next(reader, None)
        for row in reader:
            if row:
                yield _product(row, reader.line_num)
    except csv.Error as error:
        # Such as a field beyond 131,072 characters: a quote that is never closed makes one.
        raise WrongLine(reader.line_num, str(error)) from None


def _lines(text: str) -> io.StringIO:
    # Line ends are the reader's business: a carriage return alone ends a line too, or stands in a quoted field.
    return io.StringIO(text, newline="")


def _product(row: list[str], line: int) -> ProductCreate:
    try:
        return ProductCreate.model_validate_strings(dict(zip(COLUMNS, row, strict=True)))
    except ValidationError as error:
        detail = error.errors()[0]
        raise WrongLine(line, f"{detail['loc'][0]}: {detail['msg']}") from None
    except ValueError:
        raise WrongLine(line, f"{len(row)} fields") from None
