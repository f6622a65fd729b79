"""OTLP/JSON, written so that people can read it: one attribute a line, ids and times that follow from the name of the file."""
import hashlib
import json

SECOND = 1_000_000_000
START = 1_795_000_000 * SECOND


def dumps(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def any_value(value):
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [{"key": key, "value": any_value(item)} for key, item in value.items()]}}
    return {"stringValue": value}


class Span:
    def __init__(self, trace, number, name, scope, parent, kind, start):
        self.trace, self.name, self.scope, self.parent, self.kind = trace, name, scope, parent, kind
        self.id = hashlib.sha256(f"{trace.id}/{number}".encode()).hexdigest()[:16]
        self.start, self.stop = start, None
        self.attributes, self.events, self.links = {}, [], []
        self.status, self.message = 0, ""
        self.is_lost = False

    def set(self, *pairs, **_):
        for attributes in pairs:
            self.attributes.update({key: value for key, value in attributes.items() if value is not None})
        return self

    def event(self, name, attributes):
        self.events.append((name, {key: value for key, value in attributes.items() if value is not None}, self.trace.tick()))
        return self

    def ok(self):
        self.status = 1
        return self

    def fail(self, message):
        self.status, self.message = 2, message
        return self

    def exception(self, kind, message, stack=None):
        return self.event("exception", {"exception.type": kind, "exception.message": message, "exception.stacktrace": stack or f"{kind or 'Error'}: {message}\n    at run (/app/agent)"})

    def end(self):
        self.stop = self.trace.tick()
        return self


class Trace:
    """Spans in the order of their ends, as exporters send them, and log records."""

    def __init__(self, name, service, resource=None):
        self.id = hashlib.sha256(name.encode()).hexdigest()[:32]
        self.now = START + int(self.id[:4], 16) * SECOND
        self.resource = {"service.name": service, "service.version": "3.2.0", "deployment.environment.name": "described", **(resource or {})}
        self.spans, self.logs = [], []

    def tick(self):
        self.now += 7_000_000
        return self.now

    def span(self, name, scope, parent=None, kind=1):
        span = Span(self, len(self.spans), name, scope, parent, kind, self.tick())
        self.spans.append(span)
        return span

    def log(self, span, scope, event, severity, body, attributes, in_field=True):
        self.logs.append((scope, {
            "timeUnixNano": str(self.tick()), "severityNumber": severity,
            **({"body": any_value(body)} if body is not None else {}),
            "attributes": [{"key": key, "value": any_value(value)} for key, value in attributes.items() if value is not None],
            **({"traceId": self.id, "spanId": span.id} if span else {}),
            **({"eventName": event} if in_field else {}),
        }))

    def traces_json(self):
        spans = sorted((span for span in self.spans if not span.is_lost), key=lambda span: span.stop or self.now + 1)
        scopes = {}
        for span in spans:
            scopes.setdefault(span.scope, []).append(span)
        lines = ['{"resourceSpans":[{', f'  "resource":{{"attributes":{pairs(self.resource, 4)}}},', '  "scopeSpans":[']
        lines.append(",\n".join(f'    {{"scope":{{"name":{dumps(scope)}}},"spans":[\n' + ",\n".join(span_json(span) for span in own) + "\n    ]}" for scope, own in scopes.items()))
        return "\n".join(lines) + "\n  ]\n}]}\n"

    def logs_json(self):
        scopes = {}
        for scope, record in self.logs:
            scopes.setdefault(scope, []).append(record)
        lines = ['{"resourceLogs":[{', f'  "resource":{{"attributes":{pairs(self.resource, 4)}}},', '  "scopeLogs":[']
        lines.append(",\n".join(f'    {{"scope":{{"name":{dumps(scope)}}},"logRecords":[\n' + ",\n".join("      " + dumps(record) for record in own) + "\n    ]}" for scope, own in scopes.items()))
        return "\n".join(lines) + "\n  ]\n}]}\n"


def pairs(attributes, indent):
    space = " " * indent
    return "[" + ",".join(f"\n{space}" + dumps({"key": key, "value": any_value(value)}) for key, value in attributes.items()) + "]"


def span_json(span):
    head = {"traceId": span.trace.id, "spanId": span.id}
    if span.parent is not None:
        head["parentSpanId"] = span.parent.id
    head |= {"name": span.name, "kind": span.kind, "startTimeUnixNano": str(span.start), "endTimeUnixNano": str(span.stop or span.trace.now + 1_000_000)}
    text = "      " + dumps(head)[:-1] + f',\n        "attributes":{pairs(span.attributes, 10)}'
    if span.events:
        events = [f'\n          {{"timeUnixNano":"{time}","name":{dumps(name)},"attributes":{pairs(attributes, 12)}}}' for name, attributes, time in span.events]
        text += ',\n        "events":[' + ",".join(events) + "]"
    if span.links:
        text += ',\n        "links":' + dumps([{"traceId": other.trace.id, "spanId": other.id} for other in span.links])
    status = {"code": span.status} | ({"message": span.message} if span.message else {})
    return text + f',\n        "status":{dumps(status)}}}'
