using Google.Protobuf.Reflection;
using OtlpTap.Otlp;
using OtlpTap.Tests.Proto;

namespace OtlpTap.Tests.Otlp;

public sealed class OtlpJsonSchemaTests
{
    // As the specification's JSON mapping has it: these bytes are hex, all others base64.
    private static readonly HashSet<string> HexFields = ["trace_id", "span_id", "parent_span_id"];

    [Fact]
    public void The_table_has_every_message_and_field_of_the_generated_classes_and_no_other()
    {
        var compared = new HashSet<MessageDescriptor>();
        foreach (var signal in System.Enum.GetValues<Signal>())
        {
            Compare(OtlpJsonSchema.RequestOf(signal), CapturedPayloads.ParserFor(signal).ParseFrom([]).Descriptor, compared);
        }

        Assert.Equal(34, compared.Count);
    }

    private static void Compare(OtlpJsonMessage message, MessageDescriptor descriptor, HashSet<MessageDescriptor> compared)
    {
        if (!compared.Add(descriptor))
        {
            return;
        }

        Assert.Equal(descriptor.Name, message.Name);
        Assert.Equal(descriptor.Fields.InFieldNumberOrder().Select(Row), message.Fields.ToArray().Select(Row));
        foreach (var field in message.Fields)
        {
            Assert.Same(field, message.Fields[message.IndexOf(field.Number)]);
            if (field.Type == OtlpJsonType.Message)
            {
                Compare(field.Child, descriptor.FindFieldByNumber(field.Number).MessageType, compared);
            }
        }
    }

    private static string Row(OtlpJsonField field) => $"{field.Number} {field.Name} {field.Type} {field.Cardinality}";

    private static string Row(FieldDescriptor field) => $"{field.FieldNumber} {field.JsonName} {TypeOf(field)} {CardinalityOf(field)}";

    private static string TypeOf(FieldDescriptor field) =>
        field.FieldType == FieldType.Bytes && HexFields.Contains(field.Name) ? nameof(OtlpJsonType.HexId) : field.FieldType.ToString();

    private static OtlpJsonCardinality CardinalityOf(FieldDescriptor field) =>
        field.IsRepeated ? OtlpJsonCardinality.Repeated
        : field.RealContainingOneof is not null ? OtlpJsonCardinality.OneOf
        : field.HasPresence && field.FieldType != FieldType.Message ? OtlpJsonCardinality.Optional
        : OtlpJsonCardinality.Singular;
}
