"""What an OpenAPI 3.1 document must look like, as far as ours uses it (after spec.openapis.org/oas/3.1/schema)."""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string", "minLength": 1}
SCHEMA = {"type": ["object", "boolean"]}
MEDIA = {"type": "object", "minProperties": 1, "additionalProperties": {
    "type": "object", "required": ["schema"], "additionalProperties": False, "properties": {"schema": SCHEMA}}}
PARAMETER = {
    "type": "object", "required": ["name", "in", "schema"], "additionalProperties": False,
    "properties": {"name": TEXT, "in": {"enum": ["path", "query", "header", "cookie"]}, "schema": SCHEMA,
                   "required": {"type": "boolean"}, "description": {"type": "string"}},
    "if": {"properties": {"in": {"const": "path"}}},
    "then": {"required": ["required"], "properties": {"required": {"const": True}}}}
RESPONSE = {"type": "object", "required": ["description"], "additionalProperties": False,
            "properties": {"description": TEXT, "content": MEDIA}}
CALL = {
    "type": "object", "required": ["operationId", "responses", "summary", "tags"], "additionalProperties": False,
    "properties": {
        "operationId": TEXT, "summary": TEXT, "description": {"type": "string"},
        "tags": {"type": "array", "items": TEXT}, "parameters": {"type": "array", "items": PARAMETER},
        "requestBody": {"type": "object", "required": ["content"], "additionalProperties": False,
                        "properties": {"content": MEDIA, "required": {"type": "boolean"}}},
        "responses": {"type": "object", "minProperties": 1, "additionalProperties": False,
                      "patternProperties": {"^[1-5][0-9]{2}$": RESPONSE}}}}
PATH = {"type": "object", "additionalProperties": False,
        "properties": {name: CALL for name in ("get", "put", "post", "delete", "patch")}}
OPENAPI: dict[str, Any] = {
    "type": "object", "required": ["openapi", "info", "paths"], "additionalProperties": False,
    "properties": {
        "openapi": {"type": "string", "pattern": r"^3\.1\.\d+$"},
        "info": {"type": "object", "required": ["title", "version"]},
        "servers": {"type": "array", "items": {"type": "object", "required": ["url"]}},
        "security": {"type": "array", "items": {"type": "object"}},
        "paths": {"type": "object", "patternProperties": {"^/": PATH}, "additionalProperties": False},
        "components": {"type": "object", "additionalProperties": False, "properties": {
            "schemas": {"type": "object", "additionalProperties": SCHEMA,
                        "propertyNames": {"pattern": "^[a-zA-Z0-9._-]+$"}},
            "securitySchemes": {"type": "object"}}}}}
