"""Inputs that are made up by the schema of a tool: the least that it takes, and always the same."""

import jsonschema

FORMATS = {
    "date": "2020-01-01", "date-time": "2020-01-01T00:00:00Z", "time": "00:00:00Z", "email": "test@example.org", "uri": "https://example.org/",
    "uuid": "00000000-0000-4000-8000-000000000000", "hostname": "example.org", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "duration": "PT1S",
}  # fmt: skip


class NoInput(Exception):
    """Nothing that is made up fits the schema."""


def made_up(schema: dict) -> dict:
    """Arguments that fit a tool's `inputSchema`."""
    try:
        found = value(schema, schema, 0)
        jsonschema.Draft202012Validator(schema).validate(found)
    except (jsonschema.ValidationError, jsonschema.SchemaError) as fault:
        raise NoInput(fault.message) from None
    except (KeyError, TypeError, IndexError, ValueError, AttributeError, RecursionError) as fault:
        raise NoInput(f"the schema is not understood ({type(fault).__name__})") from None
    if not isinstance(found, dict):
        raise NoInput("the arguments of a tool are an object")
    return found


def value(schema: dict | bool, root: dict, depth: int):
    if depth > 20:
        raise NoInput("the schema asks for something without an end")
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        return value(pointed(schema["$ref"], root), root, depth + 1)
    for key, pick in (("const", lambda one: one), ("default", lambda one: one), ("examples", lambda all_: all_[0]), ("enum", lambda all_: all_[0])):
        if key in schema:
            return pick(schema[key])
    for key in ("oneOf", "anyOf"):
        if key in schema:
            rest = {name: inner for name, inner in schema.items() if name != key}
            return value({"allOf": [rest, schema[key][0]]} if rest else schema[key][0], root, depth + 1)
    if "allOf" in schema:
        return value(joined([{name: inner for name, inner in schema.items() if name != "allOf"}, *schema["allOf"]], root), root, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = next((one for one in kind if one != "null"), "null") if isinstance(kind, list) else kind
    return {"object": of_object, "array": of_array, "string": of_string, "integer": of_number, "number": of_number}.get(
        kind, lambda *_: {"boolean": False}.get(kind)
    )(schema, root, depth)


def pointed(reference: str, root: dict):
    if not reference.startswith("#"):
        raise NoInput(f"the schema refers to {reference}, which is elsewhere")
    found = root
    for part in reference[1:].split("/")[1:]:
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def joined(parts: list[dict], root: dict) -> dict:
    """What all of them ask for."""
    whole: dict = {}
    for part in parts:
        part = pointed(part["$ref"], root) if "$ref" in part else part
        for key, inner in part.items():
            if key == "properties":
                whole[key] = {**whole.get(key, {}), **inner}
            elif key == "required":
                whole[key] = [*whole.get(key, []), *inner]
            else:
                whole[key] = inner
    return whole


def of_object(schema: dict, root: dict, depth: int) -> dict:
    known = schema.get("properties", {})
    return {name: value(known.get(name, {}), root, depth + 1) for name in schema.get("required", [])}


def of_array(schema: dict, root: dict, depth: int) -> list:
    first = [value(one, root, depth + 1) for one in schema.get("prefixItems", [])]
    while len(first) < schema.get("minItems", 0):
        first.append(value(schema.get("items", {}), root, depth + 1))
    return first


def of_string(schema: dict, _root: dict, _depth: int) -> str:
    text = FORMATS.get(schema.get("format"), "test")
    text += "x" * (schema.get("minLength", 0) - len(text))
    return text[: schema["maxLength"]] if "maxLength" in schema else text


def of_number(schema: dict, _root: dict, _depth: int) -> int | float:
    whole = schema.get("type") == "integer"
    step = schema.get("multipleOf", 1 if whole else 0.5)
    if "minimum" in schema:
        least = schema["minimum"]
    elif "exclusiveMinimum" in schema:
        least = schema["exclusiveMinimum"] + step
    else:
        most = schema.get("maximum", schema.get("exclusiveMaximum", 1) - step)
        least = min(step, most)
    number = -(-least // step) * step
    return int(number) if whole else number
