namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>Ids from their bytes or their hexadecimal digits: a text of exactly as many bytes as the id has is taken as its bytes.</summary>
internal static class IdConverters
{
    public static IEnumerable<Converter> All { get; } =
    [
        Id("TraceID", IdKind.Trace, 16),
        Id("SpanID", IdKind.Span, 8),
        Id("ProfileID", IdKind.Profile, 16),
        new("UUID", [], _ => _ => new TextValue(Guid.NewGuid().ToString("D")), IgnoresArguments: true),
        new("UUIDv7", [], call => _ => new TextValue(Guid.CreateVersion7(call.Clock.GetUtcNow()).ToString("D")), IgnoresArguments: true),
    ];

    private static Converter Id(string name, IdKind kind, int length) => new(name, [new("Target", ParameterKind.BytesLike)], call =>
    {
        if (call.Literal(0) is not { } literal)
        {
            return item => call[0].Get(item) is var value && value is Failure ? value : Of(value);
        }

        var id = Of(literal);
        return id is Failure failure ? call.Refuse(0, $"This is no id: {failure.Message}.") : _ => id;

        Value Of(Value value)
        {
            var bytes = value is BytesValue given ? given.Bytes : [];
            if (bytes.Length == length)
            {
                return new IdValue(kind, bytes);
            }

            if (bytes.Length != length * 2)
            {
                return new Failure($"an id has {length} bytes or {length * 2} hexadecimal digits, not {bytes.Length}");
            }

            var digits = ByteText.Of(bytes);
            return digits.All(char.IsAsciiHexDigit) ? new IdValue(kind, Convert.FromHexString(digits)) : new Failure("the digits are not hexadecimal");
        }
    });
}
