"""Claude Code: no spans but log records of one session, which all carry session.id and prompt.id."""
from otlp import dumps

SCOPE = "com.anthropic.claude_code.events"
HEALTHY = [
    ("user_prompt", {"prompt": "Why do the tests fail with Error: timeout?", "prompt_length": 42}),
    ("api_request", {"model": "claude-sonnet-4", "input_tokens": 812, "output_tokens": 96, "duration_ms": 2100}),
    ("tool_decision", {"tool_name": "Grep", "decision": "accept", "source": "config"}),
    ("tool_result", {"tool_name": "Grep", "success": "true", "duration_ms": 31, "decision_source": "config"}),
]
SCENARIOS = {
    "success": (HEALTHY, []),
    "tool-throws": (HEALTHY + [("tool_result", {"tool_name": "Bash", "success": "false", "error_type": "ShellError", "error": "exit code 127: pnpm: command not found", "duration_ms": 12})], ["tool_error"]),
    "provider-error-429": (HEALTHY + [("api_error", {"model": "claude-sonnet-4", "error": "Rate limited", "status_code": "429", "attempt": 10})], ["llm_error"]),
    "refusal": (HEALTHY[:1] + [("api_refusal", {"model": "claude-sonnet-4", "stop_reason": "refusal", "category": "cyber"})], ["refusal"]),
    "user-rejects": (HEALTHY + [("tool_decision", {"tool_name": "Edit", "decision": "reject", "source": "user_reject"})], ["implicit_negative_feedback"]),
    "healthy-cancelled": (HEALTHY + [("tool_result", {"tool_name": "Bash", "success": "false", "error_type": "AbortError", "error": "The operation was aborted", "duration_ms": 4000})], []),
    "healthy-rejected-by-configuration": (HEALTHY + [("tool_decision", {"tool_name": "WebFetch", "decision": "reject", "source": "config"})], []),
}


def record(trace, events):
    for name, attributes in events:
        trace.log(None, SCOPE, f"claude_code.{name}", 9, f"claude_code.{name}", {"event.name": name, "session.id": "5d0a", "prompt.id": "p-1", "organization.id": "o-1", **attributes}, in_field=False)
