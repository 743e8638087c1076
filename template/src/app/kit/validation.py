"""Validation errors in the caller's language. Pydantic itself has only English messages."""

from collections.abc import Mapping

from pydantic_core import ErrorDetails

from app.kit.context import current_language
from app.kit.i18n import N_, catalogue, translate

_ANYTHING_ELSE = N_("Is not valid")
_TEXT = N_("Must be text")
_WHOLE_NUMBER = N_("Must be a whole number")
_NUMBER = N_("Must be a number")
_YES_OR_NO = N_("Must be true or false")
_UUID = N_("Must be a UUID")
_MOMENT = N_("Must be a date and a time with its zone, such as 2026-11-22T08:00:00Z")
_LIST = N_("Must be a list")
_OBJECT = N_("Must be an object")

# Keyed by pydantic's error type. The parameters are those of the error's context.
_MESSAGES: Mapping[str, str] = {
    "missing": N_("Field required"),
    "extra_forbidden": N_("Is not a field of this request"),
    "json_invalid": N_("Is not valid JSON"),
    "string_type": _TEXT,
    "string_unicode": _TEXT,
    "string_too_short": N_("Must have at least %(min_length)s characters"),
    "string_too_long": N_("Must have at most %(max_length)s characters"),
    "string_pattern_mismatch": N_("Contains characters that are not allowed, or does not have the expected format"),
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "bool_type": _YES_OR_NO,
    "bool_parsing": _YES_OR_NO,
    "greater_than": N_("Must be greater than %(gt)s"),
    "greater_than_equal": N_("Must be at least %(ge)s"),
    "less_than": N_("Must be less than %(lt)s"),
    "less_than_equal": N_("Must be at most %(le)s"),
    "too_short": N_("Must have at least %(min_length)s items"),
    "too_long": N_("Must have at most %(max_length)s items"),
    "uuid_type": _UUID,
    "uuid_parsing": _UUID,
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "timezone_aware": _MOMENT,
    "list_type": _LIST,
    "set_type": _LIST,
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "literal_error": N_("Must be one of these: %(expected)s"),
    "enum": N_("Must be one of these: %(expected)s"),
}


def describe(error: ErrorDetails) -> str:
    """Describe an error of pydantic's.

    A validator's own ValueError is translated by its text, which is marked with `N_` where it is raised. Without a
    translation, English callers get the text; others are only told that the value is not valid.
    """
    language = current_language()
    message = _MESSAGES.get(error["type"])
    if message is not None:
        return translate(message, language, **error.get("ctx", {}))
    raised = error.get("ctx", {}).get("error")
    text = str(raised) if isinstance(raised, ValueError) else error["msg"]
    known = language == "en" or text in catalogue(language)
    return translate(text if known else _ANYTHING_ELSE, language)
