"""The OpenAPI document: what FastAPI derives from the routes, with every problem that a route can answer."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi

from cluster.errors import InvalidInput
from serve.http.problems import MEDIA_TYPE, Problem

_ALWAYS = {"422": "Not acceptable", "500": "A defect in Sextant", "503": "A part of Sextant is starting; retry"}
_SECURED = {"401": "No valid token", "403": "The permission is missing"}
_COMMAND = {
    "400": "Could not be parsed", "404": "There is no such thing", "409": "The state does not allow it",
    "412": "The ETag is not current", "413": "The body is too large", "429": "Too much at once; retry",
}  # fmt: skip


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made once and kept."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
        )
        schemas = made["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        schemas |= problem.pop("$defs", {})
        schemas["Problem"] = problem
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for item in made["paths"].values():
            for method, operation in item.items():
                operation["responses"] |= _problems(method, operation, content)
        app.openapi_schema = made
    return app.openapi_schema


async def only_known_parameters(request: Request) -> None:
    """A dependency that refuses a query parameter nobody declared, since a misspelt filter would list everything."""
    known = _parameters(request.app).get(getattr(request.scope.get("route"), "operation_id", None) or "", set())
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise InvalidInput(
            f"{len(unknown)} of the query parameters are not known here.",
            f"Known are: {', '.join(sorted(known))}." if known else "This address takes none.",
        )


def _parameters(app: FastAPI) -> dict[str, set[str]]:
    """The names of the query parameters of each operation."""
    names: dict[str, set[str]] | None = getattr(app.state, "parameters", None)
    if names is None:
        operations = [operation for item in document(app)["paths"].values() for operation in item.values()]
        names = {
            operation["operationId"]: {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
            for operation in operations
        }
        app.state.parameters = names
    return names


def _problems(method: str, operation: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    possible = dict(_ALWAYS)
    if operation.get("security"):
        possible |= _SECURED
    if method != "get":
        possible |= _COMMAND
    if any(one["in"] == "path" or one["name"] == "after" for one in operation.get("parameters", ())):
        possible["404"] = _COMMAND["404"]
    return {code: {"description": text, "content": content} for code, text in sorted(possible.items())}
