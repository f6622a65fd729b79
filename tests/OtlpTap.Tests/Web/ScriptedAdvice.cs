using OtlpTap.Advice;
using OtlpTap.Health;

namespace OtlpTap.Tests.Web;

/// <summary>Advice as a test says it.</summary>
internal sealed class ScriptedAdvice : IAdviceSource
{
    private volatile TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile AdviceSnapshot _current = AdviceSnapshot.None;

    public AdviceSnapshot Current => _current;

    public double Holdout { get; set; }

    public static AdviceItem Reroute { get; } = Item("tool-failing", "reroute", new HealthScope("shop", "planner", "search", ""), ("fallback_tool", "search_backup"));

    public static AdviceItem AskUser { get; } = Item("unhappy", "ask_user", HealthScope.OfService("shop"));

    public static AdviceItem SmallerModel { get; } = Item("slow-model", "reroute", new HealthScope("", "", "", "gpt-5"), ("fallback_model", "gpt-5-mini"));

    public static AdviceItem Item(string policy, string advice, HealthScope scope, params (string Name, string Value)[] parameters) => new(
        $"{policy}:{string.Join('/', new[] { scope.Service, scope.Agent, scope.Tool, scope.Model }.Where(name => name.Length > 0))}",
        policy,
        advice,
        scope,
        parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value),
        new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
        new Dictionary<string, double> { ["tool.errors.ratio_1m"] = 0.8, ["tool.calls_1m"] = 10 },
        "8 of 10 calls failed in the last minute");

    public void Publish(params AdviceItem[] items)
    {
        var before = _changed;
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _current = new AdviceSnapshot(_current.Version + 1, items);
        before.SetResult();
    }

    public async Task<AdviceSnapshot> NextAsync(long version, CancellationToken cancellation)
    {
        while (true)
        {
            var changed = _changed.Task;
            if (_current.Version != version)
            {
                return _current;
            }

            await changed.WaitAsync(cancellation);
        }
    }
}
