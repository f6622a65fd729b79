using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Spans;

/// <summary>The attribute <c>service.name</c> of a resource.</summary>
internal static class ServiceName
{
    /// <summary>False where the attribute is another.</summary>
    public static bool TryRead(ReadOnlySpan<byte> request, int start, int end, out ReadOnlySpan<byte> text)
    {
        text = default;
        var isNamed = false;
        var attribute = new ProtoReader(request, start, end);
        while (attribute.Next())
        {
            switch (attribute.FieldNumber, attribute.WireType)
            {
                case (OtlpFields.KeyValue.Key, WireType.LengthDelimited):
                    isNamed = attribute.Value.SequenceEqual("service.name"u8);
                    break;
                case (OtlpFields.KeyValue.Value, WireType.LengthDelimited):
                    text = TextOf(attribute.Value);
                    break;
            }
        }

        return isNamed;
    }

    private static ReadOnlySpan<byte> TextOf(ReadOnlySpan<byte> value)
    {
        var reader = new ProtoReader(value);
        return reader.Next() && reader is { FieldNumber: OtlpFields.AnyValue.StringValue, WireType: WireType.LengthDelimited } ? reader.Value : default;
    }
}
