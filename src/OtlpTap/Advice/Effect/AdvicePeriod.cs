using OtlpTap.Health;
using OtlpTap.Runs;

namespace OtlpTap.Advice.Effect;

/// <summary>How near a step comes to an item of advice.</summary>
internal enum Concern : byte
{
    None,

    /// <summary>It is of the agents that the advice is for, and not the tool or the model that it is about.</summary>
    Agent,

    /// <summary>It is what the advice is about, or what the advice offers in its place.</summary>
    Step,
}

/// <summary>A time during which an item of advice was in force, by the tap's clock, in nanoseconds since 1970.</summary>
internal sealed class AdvicePeriod(AdviceItem item, ulong since)
{
    public AdviceItem Item { get; } = item;

    public ulong Since { get; } = since;

    /// <summary>Not included.</summary>
    public ulong Until { get; set; } = ulong.MaxValue;

    public bool Contains(ulong at) => at >= Since && at < Until;

    /// <summary>Whether a fallback's advice id is its own; of long ones the reader of spans keeps the beginning.</summary>
    public bool IsNamed(string adviceId) =>
        adviceId == Item.Id || (adviceId.Length >= RunRecord.NameLengthMax && Item.Id.StartsWith(adviceId, StringComparison.Ordinal));

    /// <summary>
    /// What the advice names to be used instead counts as well as what it is about: who followed it may never have called the
    /// latter, and runs that were held out would be compared with none.
    /// </summary>
    public Concern Of(in SpanFact fact)
    {
        var scope = Item.Scope;
        var isOfRun = fact.Kind is not (StepKind.Other or StepKind.Evaluator) || fact.Fallback is not null;
        if (!isOfRun || !IsOrAny(scope.Service, fact.Service) || (fact.Agent.Length > 0 && !IsOrAny(scope.Agent, fact.Agent)))
        {
            return Concern.None;
        }

        var isAbout = (scope.Tool.Length == 0 && scope.Model.Length == 0) || IsAbout(scope.Tool, fact.Tool) || IsAbout(scope.Model, fact.Model);
        return isAbout ? Concern.Step : Concern.Agent;
    }

    private static bool IsOrAny(string wanted, string name) => wanted.Length == 0 || wanted == name;

    private bool IsAbout(string inScope, string name) => inScope.Length > 0 && name.Length > 0 && (name == inScope || Item.Parameters.Values.Contains(name));
}
