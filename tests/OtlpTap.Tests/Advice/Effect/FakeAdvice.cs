using OtlpTap.Advice;
using OtlpTap.Health;

namespace OtlpTap.Tests.Advice.Effect;

/// <summary>Advice as a test says it.</summary>
internal sealed class FakeAdvice(TimeProvider time) : IAdviceSource
{
    public AdviceSnapshot Current { get; private set; } = AdviceSnapshot.None;

    public double Holdout { get; set; } = 0.5;

    public Task<AdviceSnapshot> NextAsync(long version, CancellationToken cancellation) => throw new NotSupportedException();

    public AdviceItem Raise(HealthScope scope, string advice = "reroute", string policy = "tool-failing", Dictionary<string, string>? parameters = null)
    {
        var id = $"{policy}:{string.Join('/', new[] { scope.Service, scope.Agent, scope.Tool, scope.Model }.Where(part => part.Length > 0))}";
        var item = new AdviceItem(id, policy, advice, scope, parameters ?? [], time.GetUtcNow(), new Dictionary<string, double>(), "it fails");
        Current = new AdviceSnapshot(Current.Version + 1, [.. Current.Items, item]);
        return item;
    }

    public void Withdraw(AdviceItem item) => Current = new AdviceSnapshot(Current.Version + 1, [.. Current.Items.Where(other => other != item)]);
}
