using System.IO.Hashing;
using System.Runtime.InteropServices;
using OtlpTap.Advice;
using OtlpTap.Otlp;

namespace OtlpTap.Web;

/// <summary>Who asks for advice. An empty name: it was not said.</summary>
internal sealed record AdviceQuery(string Service, string Agent, string Tool, string Model, TraceId? Trace)
{
    private const int NameLengthMax = 256;

    private static readonly string[] Names = ["service", "agent", "tool", "model", "trace_id"];

    /// <summary>The reason why it cannot be answered; null where it can.</summary>
    public static string? Read(IQueryCollection parameters, out AdviceQuery query)
    {
        query = new AdviceQuery("", "", "", "", null);
        return ApiQuery.Problem(parameters, Names) ?? Read(name => parameters[name].ToString(), out query);
    }

    /// <param name="valueOf">The value of a parameter; empty where it was not said.</param>
    public static string? Read(Func<string, string> valueOf, out AdviceQuery query)
    {
        query = new AdviceQuery(valueOf("service"), valueOf("agent"), valueOf("tool"), valueOf("model"), null);
        foreach (var name in Names)
        {
            if (valueOf(name).Length > NameLengthMax)
            {
                return $"`{name}` has more than {NameLengthMax} characters";
            }
        }

        if (valueOf("trace_id") is not { Length: > 0 } trace)
        {
            return null;
        }

        if (!TraceId.TryParse(trace, out var id) || id.IsZero)
        {
            return "`trace_id` must be 32 hexadecimal digits, not all of them 0";
        }

        query = query with { Trace = id };
        return null;
    }

    /// <summary>Whether it is for the one who asks: wherever both say a name, it is the same.</summary>
    public bool IsConcernedBy(AdviceItem item) =>
        IsSame(item.Scope.Service, Service) && IsSame(item.Scope.Agent, Agent) && IsSame(item.Scope.Tool, Tool) && IsSame(item.Scope.Model, Model);

    public bool IsHeldOut(double share) => Trace is { } trace && Holdout.Has(trace, share);

    /// <summary>For an entity tag: the same for the same query and share of traces that are held out, as long as this tap runs.</summary>
    public ulong Hash(ulong seed, double share)
    {
        // Lengths stand between, or "a" + "bc" were "ab" + "c".
        var text = $"{Service.Length}:{Service}{Agent.Length}:{Agent}{Tool.Length}:{Tool}{Model.Length}:{Model}{Trace}:{BitConverter.DoubleToInt64Bits(share)}";
        return XxHash3.HashToUInt64(MemoryMarshal.AsBytes(text.AsSpan()), (long)seed);
    }

    private static bool IsSame(string scope, string asked) => scope.Length == 0 || asked.Length == 0 || scope == asked;
}
