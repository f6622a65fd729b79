using OtlpTap.Health;

namespace OtlpTap.Advice;

/// <summary>What an agent is told to do for as long as a policy's condition holds.</summary>
/// <param name="Id">The same for the same policy and scope: <c>policy:service/agent/tool/model</c> with what is empty left out, percent-encoded where it must be.</param>
/// <param name="Advice"><c>reroute</c>, <c>ask_user</c>, <c>skip_optional_steps</c>, <c>add_disclaimer</c>, <c>human_review</c>, or the operator's own.</param>
/// <param name="Scope">Whom it concerns.</param>
/// <param name="Parameters">As configured, for example the tool to use instead.</param>
/// <param name="Since">By the tap's clock.</param>
/// <param name="Values">The values of the condition when the advice was given, by their names: those that <paramref name="Reason"/> tells of.</param>
/// <param name="Reason">For people and for models: one sentence.</param>
internal sealed record AdviceItem(
    string Id,
    string Policy,
    string Advice,
    HealthScope Scope,
    IReadOnlyDictionary<string, string> Parameters,
    DateTimeOffset Since,
    IReadOnlyDictionary<string, double> Values,
    string Reason);

/// <summary>All advice of a moment. Immutable.</summary>
/// <param name="Version">Grows with every raising and withdrawal.</param>
internal sealed record AdviceSnapshot(long Version, IReadOnlyList<AdviceItem> Items)
{
    public static readonly AdviceSnapshot None = new(0, []);
}
