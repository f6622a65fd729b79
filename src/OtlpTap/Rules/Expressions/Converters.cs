using System.Collections.Frozen;
using OtlpTap.Rules.Expressions.Functions;

namespace OtlpTap.Rules.Expressions;

/// <summary>
/// All converters by name. What each of them does is the reference's documentation's to tell:
/// github.com/open-telemetry/opentelemetry-collector-contrib, pkg/ottl/ottlfuncs/README.md. What is said here is where that is silent.
/// </summary>
internal static class Converters
{
    /// <summary>Exists on spans only.</summary>
    public const string IsRootSpan = "IsRootSpan";

    public static FrozenDictionary<string, Converter> All { get; } = ((IEnumerable<Converter>)
    [
        new Converter(IsRootSpan, [], _ => item => BoolValue.Of(TelemetryItem.IdOf(IdKind.Span, item.Span!.ParentSpanId).Display.Length == 0), IgnoresArguments: true),
        .. TypeConverters.All,
        .. NumberConverters.All,
        .. TextConverters.All,
        .. CodingConverters.All,
        .. ListConverters.All,
        .. ParsingConverters.All,
        .. PatternConverters.All,
        .. NetworkConverters.All,
        .. TimeConverters.All,
        .. IdConverters.All,
        .. XmlConverters.All,
    ]).ToFrozenDictionary(converter => converter.Name);
}
