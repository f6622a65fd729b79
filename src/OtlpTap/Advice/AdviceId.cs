using OtlpTap.Health;

namespace OtlpTap.Advice;

/// <summary>The id of advice: <c>policy:service/agent/tool/model</c> with what is empty left out, percent-encoded where it must be.</summary>
internal static class AdviceId
{
    public static string Of(Policy policy, in HealthScope scope) => $"{policy.Name}:{Path(scope)}";

    public static string Path(in HealthScope scope)
    {
        string[] parts = [scope.Service, scope.Agent, scope.Tool, scope.Model];
        return string.Join('/', parts.Where(part => part.Length > 0).Select(Uri.EscapeDataString));
    }
}
