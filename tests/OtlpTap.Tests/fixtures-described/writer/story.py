"""What happens in a run, told apart from the instrumentation that records it."""
from dataclasses import dataclass, field, replace
from otlp import dumps


@dataclass
class Tool:
    name: str
    description: str
    properties: dict
    required: list

    @property
    def schema(self):
        return {"type": "object", "properties": self.properties, "required": self.required, "additionalProperties": False}


@dataclass
class Call:
    tool: str
    args: dict
    result: object = None
    raw: str = None          # arguments that are no JSON, as the model wrote them
    outcome: str = "ok"      # ok, throws, refused (arguments), unknown, cancelled
    error: tuple = None      # type and message of what was thrown
    id: str = None

    @property
    def text(self):
        return self.raw if self.raw is not None else dumps(self.args)

    @property
    def output(self):
        return self.result if isinstance(self.result, str) else dumps(self.result)


@dataclass
class Turn:
    """One call of the model: calls of tools, or text."""
    calls: list = field(default_factory=list)
    text: str = None
    finish: str = "stop"     # stop, tool, length, filter, refusal
    error: tuple = None      # type, message and HTTP status of a provider that failed
    agent: int = 0           # which agent speaks; another than before is a handover


@dataclass
class Run:
    question: str
    turns: list
    limit: bool = False      # stopped at the limit of steps
    history: list = field(default_factory=list)    # (question, turns) of earlier turns of the conversation
    documents: list = None   # of a retriever: (id, text)


@dataclass
class Story:
    service: str
    agents: list
    system: str
    model: str
    tools: list
    question: str
    rounds: list             # of lists of calls
    answer: str
    wrong: str               # an answer that says what no input says
    unknown: str             # a tool that there is not
    misfit: dict             # arguments that the schema of the first call's tool refuses
    thrown: tuple            # type and message
    payload: object          # a result that says that it is an error
    healthy: dict = field(default_factory=dict)    # name: Run
    documents: list = None   # (id, text), with the answers below
    asked: str = None
    told: str = None
    invented: str = None
    failing: dict = field(default_factory=dict)    # name: (Run, labels) beyond the common ones

    def tool(self, name):
        return next((tool for tool in self.tools if tool.name == name), None)


def turn(*calls, agent=0):
    return Turn(calls=list(calls), finish="tool", agent=agent)


def say(text, finish="stop", agent=0):
    return Turn(text=text, finish=finish, agent=agent)


def common(story):
    """The scenarios that every instrumentation is asked about: name -> (run, kind of failure, where in the run)."""
    first, rest = story.rounds[0], story.rounds[1:]
    call = first[0]
    others = [turn(*round) for round in rest]
    sorry = say("I could not finish this, because the lookup did not work. Please try again later.")

    def run(*turns, **more):
        return Run(story.question, list(turns), **more)

    yield "success", run(*[turn(*round) for round in story.rounds], say(story.answer)), []
    yield "tool-throws", run(turn(replace(call, outcome="throws", error=story.thrown), *first[1:]), sorry), [("tool_error", "tool", 0)]
    yield "tool-error-payload", run(turn(replace(call, result=story.payload)), sorry), [("tool_error", "tool", 0)]
    yield "bad-tool-args-json", run(turn(replace(call, raw=call.text[:-1], outcome="refused")), sorry), [("planning_error", "arguments", 0)]
    yield "bad-tool-args-schema", run(turn(replace(call, args=story.misfit, outcome="refused")), sorry), [("planning_error", "arguments", 0)]
    yield "unknown-tool", run(turn(replace(call, tool=story.unknown, outcome="unknown")), say("That is not something I have a tool for.")), [("planning_error", "unknown", 0)]
    yield "finish-length", run(*[turn(*round) for round in story.rounds], say(story.answer[: len(story.answer) * 2 // 3], "length")), [("truncated", "llm", -1)]
    yield "content-filter", run(say("", "filter")), [("content_filter", "llm", -1)]
    yield "refusal", run(say("I'm sorry, but I can't help with that request.", "refusal")), [("refusal", "llm", -1)]
    yield "empty-output", run(turn(*first), *others, say("")), [("empty_output", "llm", -1)]
    yield "max-steps", run(*[turn(call) for _ in range(4)], limit=True), [("planning_error", "limit", 0)]
    yield "provider-error-429", run(turn(*first), Turn(error=("RateLimitError", "429 Rate limit reached for requests per minute", 429))), [("llm_error", "llm", -1)]
    yield "tool-retry-recovers", run(turn(replace(call, outcome="throws", error=story.thrown)), turn(*first), *others, say(story.answer)), [("tool_error", "tool", 0), ("recovered", None, 0)]
    yield "hallucination", run(*[turn(*round) for round in story.rounds], say(story.wrong)), [("hallucination", "text", -1)]
    for name, healthy in story.healthy.items():
        yield "healthy-" + name, healthy, []
    for name, (failing, labels) in story.failing.items():
        yield name, failing, labels
