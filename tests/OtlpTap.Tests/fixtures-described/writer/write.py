"""Writes the described scenarios: python3 write.py, beside it NAME/SCENARIO.traces.otlp.json, .logs.otlp.json and .expected.json."""
import copy
import json
import pathlib
import coding
from otlp import Trace
from recorders import RECORDERS
from stories import STORIES
from story import Run, common, say

HERE = pathlib.Path(__file__).resolve().parent.parent


def scenarios(story):
    yield from common(story)
    if story.documents:
        yield "rag-success", Run(story.asked, [say(story.told)], documents=story.documents), []
        yield "rag-hallucination", Run(story.asked, [say(story.invented)], documents=story.documents), [("hallucination", "text", -1)]


def write(instrumentation, name, story, run, labels):
    trace = Trace(f"{instrumentation}/{name}", story.service, RECORDERS[instrumentation].resource)
    recorder = RECORDERS[instrumentation](trace, story, copy.deepcopy(run))
    recorder.record()
    files = [f"{name}.traces.otlp.json"]
    folder = HERE / instrumentation
    folder.mkdir(exist_ok=True)
    (folder / files[0]).write_text(trace.traces_json())
    if trace.logs:
        files.append(f"{name}.logs.otlp.json")
        (folder / files[1]).write_text(trace.logs_json())
    spans = []
    for kind, where, index in labels:
        for span, visible, carrier in recorder.place(name, where, index) if where else []:
            spans.append({"label": kind, "span_name": span.name, "span_id": span.id, "visible_in": visible} | ({"carrier": True} if carrier else {}))
    expected = {"instrumentation": instrumentation, "scenario": name, "user_input": run.question, "system_prompt": story.system, "files": files,
                "trace_ids": [trace.id], "trace_labels": list(dict.fromkeys(label[0] for label in labels)), "span_labels": spans}
    (folder / f"{name}.expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


for instrumentation, story in STORIES.items():
    for name, run, labels in scenarios(story):
        write(instrumentation, name, story, run, labels)

for name, (events, labels) in coding.SCENARIOS.items():
    trace = Trace(f"claude-code/{name}", "claude-code")
    coding.record(trace, events)
    folder = HERE / "claude-code"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.logs.otlp.json").write_text(trace.logs_json())
    spans = [{"label": label, "span_name": "", "span_id": "0" * 16, "visible_in": "log"} for label in labels]
    expected = {"instrumentation": "claude-code", "scenario": name, "files": [f"{name}.logs.otlp.json"], "trace_ids": [], "trace_labels": labels, "span_labels": spans}
    (folder / f"{name}.expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")
