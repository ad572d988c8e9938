#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_openapi.py SOURCE ANSWERS: whether src/status/openapi.json and what was really answered agree.

ANSWERS has a JSON object a line: an answer (method, target, status, head, body) or an event of a stream
(event, data, id). Each must be as the document says, each status of the document must have been answered once,
and the document must have as many operations as the daemon has routes. Says what is wrong and ends with 1.
"""

import json
import re
import sys
from pathlib import Path

from jsonschema import Draft202012Validator, RefResolver

# These need a disk that hangs, or a thousand streams: the suites of history and of streams have them.
NOT_TRIED = {
    ("get", "/v1/users/{user}/history", "503"),
    ("get", "/v1/events", "503"),
    ("get", "/v1/events", "429"),
    ("get", "/v1/events", "200"),
}


class Description:
    """The document, its references resolved as they are met."""

    def __init__(self, path):
        self.document = json.loads(path.read_text(encoding="utf-8"))
        self.resolver = RefResolver.from_schema(self.document)
        self.patterns = sorted(
            ((re.compile(re.sub(r"\{[^}]*\}", "[^/]+", re.sub(r"\.", r"\\.", path)) + r"\Z"), path)
             for path in self.document["paths"]),
            key=lambda pair: "{" in pair[1])

    def whole(self, item):
        """The item itself, or what it refers to."""
        return self.resolver.resolve(item["$ref"])[1] if "$ref" in item else item

    def path_of(self, target):
        path = target.partition("?")[0]
        return next((name for pattern, name in self.patterns if pattern.match(path)), None)

    def operations(self):
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                yield method, path, operation

    def errors(self, schema, value):
        validator = Draft202012Validator(schema, resolver=self.resolver)
        for error in validator.iter_errors(value):
            place = "/".join(str(step) for step in error.absolute_path)
            yield f"{place or 'the whole'}: {error.message[:300]}"


def references(item):
    if isinstance(item, dict):
        if isinstance(item.get("$ref"), str):
            yield item["$ref"]
        item = item.values()
    elif not isinstance(item, list):
        return
    for member in item:
        yield from references(member)


def check_document(description):
    """Whether it is one that programs can read."""
    document = description.document
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
    used = set(references(document))
    for reference in used:
        description.resolver.resolve(reference)
    for kind, items in document["components"].items():
        for name in items:
            if kind != "securitySchemes" and f"#/components/{kind}/{name}" not in used:
                yield f"{kind} {name} is used nowhere"
    names = [operation["operationId"] for _, _, operation in description.operations()]
    if len(set(names)) != len(names):
        yield "an operationId is there twice"
    for method, path, operation in description.operations():
        in_path = {p["name"] for p in map(description.whole, operation.get("parameters", [])) if p["in"] == "path"}
        if in_path != set(re.findall(r"\{([^}]*)\}", path)):
            yield f"{method} {path}: the parameters of its path are others"


def check_answer(description, answer, tried):
    method, path, status = answer["method"].lower(), description.path_of(answer["target"]), str(answer["status"])
    what = f"{answer['method']} {answer['target']} -> {status}"
    if path is None or method not in description.document["paths"][path]:
        yield f"{what}: the document has no such operation"
        return
    tried.add((method, path, status))
    response = description.document["paths"][path][method]["responses"].get(status)
    if response is None:
        yield f"{what}: the document has no such status"
        return
    response = description.whole(response)
    headers = dict(re.findall(r"^([^:\r\n]+): *([^\r\n]*)\r$", answer["head"], re.MULTILINE))
    for name, header in response.get("headers", {}).items():
        for error in description.errors(header["schema"], headers.get(name)):
            yield f"{what}: {name}: {error}"
    content = response.get("content", {})
    if not content:
        if answer["body"]:
            yield f"{what}: the document has no body"
        return
    kind = headers["Content-Type"]
    media = content.get(kind) or content.get(kind.partition(";")[0])
    if media is None:
        yield f"{what}: the document has not {kind}"
        return
    body = json.loads(answer["body"]) if "json" in kind else answer["body"]
    for error in description.errors(media["schema"], body):
        yield f"{what}: {error}"


def check_event(description, event, seen):
    schemas = description.document["paths"]["/v1/events"]["get"]["x-events"]
    seen.add(event["event"])
    if event["event"] not in schemas:
        yield f"event {event['event']}: the document has none such"
        return
    for error in description.errors(schemas[event["event"]], json.loads(event["data"])):
        yield f"event {event['event']}: {error}"


def check_whole(description, tried, seen):
    """Whether all that the document has was met."""
    for method, path, operation in description.operations():
        for status in operation["responses"]:
            if (method, path, status) not in tried | NOT_TRIED:
                yield f"{method} {path}: {status} was never answered"
    for name in set(description.document["paths"]["/v1/events"]["get"]["x-events"]) - seen - {"forgotten"}:
        yield f"event {name}: it never came"


def check_routes(description, source):
    text = (source / "src/status/status.c").read_text(encoding="utf-8")
    table = re.search(r"struct route routes\[\] = \{(.*?)\n\};", text, re.DOTALL).group(1)
    n_routes = len(re.findall(r"\.answer = ", table))
    n_operations = len(list(description.operations()))
    if n_routes != n_operations:
        yield f"the daemon has {n_routes} routes, the document {n_operations} operations"


def check_version(description, answers):
    stats = next(json.loads(a["body"]) for a in answers if a.get("target") == "/v1/stats" and a["status"] == 200)
    if description.document["info"]["version"] != stats["version"]:
        yield f"the document is of version {description.document['info']['version']}, the daemon {stats['version']}"


def main(source, answers_path):
    description = Description(source / "src/status/openapi.json")
    answers = [json.loads(line) for line in answers_path.read_text(encoding="utf-8").splitlines()]
    tried, seen = set(), set()
    errors = list(check_document(description))
    for answer in answers:
        if "event" in answer:
            errors += check_event(description, answer, seen)
        else:
            errors += check_answer(description, answer, tried)
    errors += check_whole(description, tried, seen)
    errors += check_routes(description, source)
    errors += check_version(description, answers)
    print("\n".join(errors))
    return 1 if errors else 0


sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
