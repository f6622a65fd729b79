using System.Text.Json;
using OtlpTap.Health;

namespace OtlpTap.Web;

/// <summary>Whom advice, health or an effect is of: <c>"service", "agent", "tool", "model"</c>; what is empty is left out.</summary>
internal static class ScopeJson
{
    public static void WriteScope(this Utf8JsonWriter json, in HealthScope scope)
    {
        WriteName(json, "service", scope.Service);
        WriteName(json, "agent", scope.Agent);
        WriteName(json, "tool", scope.Tool);
        WriteName(json, "model", scope.Model);
    }

    private static void WriteName(Utf8JsonWriter json, string member, string name)
    {
        if (name.Length > 0)
        {
            json.WriteString(member, name);
        }
    }
}
