"""Responses that are serialised directly from models. FastAPI would validate a returned model again.

A route that returns one names the model as its `response_model`, for the OpenAPI document.
"""

from collections.abc import Mapping

from fastapi import Response
from pydantic import BaseModel


def json_response(model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that carries a model as JSON."""
    return Response(model.model_dump_json(), status, headers, "application/json")
