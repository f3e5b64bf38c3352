"""The whole schema as JSON Schema, variants and their options included: for editors, and for people."""

from typing import Any

from .options import options_model
from .schema import Config
from .variants import VARIANT_SECTIONS, augmentation_model

__all__ = ["config_schema"]


def config_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a configuration file."""
    schema = Config.model_json_schema()
    definitions = schema["$defs"]
    for spec in VARIANT_SECTIONS:
        section = _definition_of(schema, spec.path)
        alternatives = []
        for name, variant in spec.names().items():
            model = options_model(name, variant.options, variant.preset)
            options = model.model_json_schema(ref_template="#/$defs/{model}")
            definitions.update(options.pop("$defs", {}))
            alternatives.append(
                {
                    "title": name,
                    "properties": {spec.key: {"const": name}, **options.get("properties", {})},
                    "required": [spec.key, *options.get("required", [])],
                }
            )
        section["oneOf"] = alternatives
        section["properties"][spec.key]["enum"] = [a["title"] for a in alternatives]
    augmentations = augmentation_model().model_json_schema(ref_template="#/$defs/{model}")
    definitions.update(augmentations.pop("$defs", {}))
    definitions["TrainingSection"]["properties"]["augmentations"] = {
        "anyOf": [augmentations, {"type": "null"}],
        "default": None,
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_standard_keywords(schema)}


def _standard_keywords(node: Any) -> Any:
    """Bounds behind a validator of ours keep pydantic's own names; JSON Schema has others."""
    if isinstance(node, list):
        return [_standard_keywords(item) for item in node]
    if not isinstance(node, dict):
        return node
    names = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
    bounded = node.get("type") in ("integer", "number")
    return {names.get(key, key) if bounded else key: _standard_keywords(value) for key, value in node.items()}


def _definition_of(schema: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The definition that the property at ``path`` refers to."""
    node = schema
    for key in path:
        prop = node["properties"][key]
        reference = next(
            part["$ref"] for part in (prop, *prop.get("anyOf", ()), *prop.get("allOf", ())) if "$ref" in part
        )
        node = schema["$defs"][reference.rsplit("/", 1)[-1]]
    return node
