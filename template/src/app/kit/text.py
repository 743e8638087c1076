"""Text that people type into one line."""

# Neither NUL, which PostgreSQL does not store, nor any character that ends a line or controls a terminal:
# in the subject of a mail, a line end is an error.
ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
