using System.Globalization;

namespace OtlpTap.Runs.Telemetry;

internal enum AttributeKind : byte
{
    None,
    Text,
    Boolean,
    Integer,
    Double,

    /// <summary>A list or a map, as JSON.</summary>
    Structure,
}

/// <summary>An OTLP AnyValue, read out of the request.</summary>
internal readonly record struct AttributeValue(AttributeKind Kind, string? String, long Bits)
{
    public string Text => Kind switch
    {
        AttributeKind.Boolean => Bits != 0 ? "true" : "false",
        AttributeKind.Integer => Bits.ToString(CultureInfo.InvariantCulture),
        AttributeKind.Double => BitConverter.Int64BitsToDouble(Bits).ToString("R", CultureInfo.InvariantCulture),
        _ => String ?? "",
    };

    public double? AsDouble() => Kind switch
    {
        AttributeKind.Integer => Bits,
        AttributeKind.Double => BitConverter.Int64BitsToDouble(Bits),
        AttributeKind.Text when double.TryParse(String, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };

    public long? AsLong() => Kind switch
    {
        AttributeKind.Integer => Bits,
        _ => AsDouble() is { } number && Math.Abs(number) < 1e15 ? (long)number : null,
    };
}
