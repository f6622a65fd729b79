using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Proto;

public sealed class SchemaTests
{
    public static TheoryData<string> Payloads => CapturedPayloads.Protobuf;

    [Fact]
    public void There_are_captured_payloads_of_both_signals()
    {
        Assert.Contains(Payloads, row => row.Data.Contains(".traces", StringComparison.Ordinal));
        Assert.Contains(Payloads, row => row.Data.Contains(".logs", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Payloads))]
    public void A_captured_payload_survives_parsing_and_has_no_field_that_the_schema_lacks(string name)
    {
        var request = CapturedPayloads.ParserFor(CapturedPayloads.SignalOf(name)).ParseFrom(CapturedPayloads.Read(name));

        // Senders order fields as they like and write zeros, so the second form is compared as a message.
        Assert.Equal(request, request.Descriptor.Parser.ParseFrom(request.ToByteArray()));
        AssertNoUnknownField(request, request.Descriptor.Name);
    }

    [Fact]
    public void A_field_that_the_schema_lacks_is_noticed_however_deep_it_stands()
    {
        // ResourceSpans { ScopeSpans { Span { field 17: 1 } } }
        byte[] bytes = [0x0A, 7, 0x12, 5, 0x12, 3, 0x88, 0x01, 1];
        var request = CapturedPayloads.ParserFor(Signal.Traces).ParseFrom(bytes);

        var error = Assert.ThrowsAny<Exception>(() => AssertNoUnknownField(request, "request"));
        Assert.Contains("request.resource_spans.scope_spans.spans has unknown fields", error.Message, StringComparison.Ordinal);
    }

    // Children first, so that the message names the innermost one.
    private static void AssertNoUnknownField(IMessage message, string path)
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (field.FieldType != FieldType.Message)
            {
                continue;
            }

            var children = field.IsRepeated ? (IList)field.Accessor.GetValue(message) : new[] { field.Accessor.GetValue(message) };
            foreach (var child in children.OfType<IMessage>())
            {
                AssertNoUnknownField(child, $"{path}.{field.Name}");
            }
        }

        var known = message.Descriptor.Parser.WithDiscardUnknownFields(true).ParseFrom(message.ToByteArray());
        Assert.True(known.Equals(message), $"{path} has unknown fields.");
    }
}
