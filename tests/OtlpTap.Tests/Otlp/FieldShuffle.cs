using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace OtlpTap.Tests.Otlp;

/// <summary>
/// Serializes messages as no library does but the wire format allows: fields in any order, singular ones more than once,
/// singular messages in parts, numbers of a repeated field packed, single, or some of both.
/// </summary>
internal static class FieldShuffle
{
    /// <summary>The fields of both messages, mixed; nested messages of the first are mixed in the same way with others of their type.</summary>
    public static byte[] InParts(IMessage first, IMessage second, Random random)
    {
        var fields = new List<byte[]>();
        AddFields(fields, first, second, random);
        AddFields(fields, second, first, random);
        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(fields));
        return [.. fields.SelectMany(field => field)];
    }

    private static void AddFields(List<byte[]> fields, IMessage message, IMessage other, Random random)
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (field.FieldType != FieldType.Message)
            {
                AddNumbers(fields, message, field, random);
                continue;
            }

            foreach (var child in Children(message, field))
            {
                var mixed = random.Next(3) == 0 ? Children(other, field).FirstOrDefault() ?? child : null;
                var body = mixed is null ? InParts(child, child.Descriptor.Parser.ParseFrom([]), random) : InParts(child, mixed, random);
                fields.Add(Written(output =>
                {
                    output.WriteTag(field.FieldNumber, WireFormat.WireType.LengthDelimited);
                    output.WriteBytes(ByteString.CopyFrom(body));
                }));
            }
        }
    }

    private static IEnumerable<IMessage> Children(IMessage message, FieldDescriptor field)
    {
        var value = field.Accessor.GetValue(message);
        return field.IsRepeated ? ((IList)value).Cast<IMessage>() : new[] { value }.OfType<IMessage>();
    }

    private static void AddNumbers(List<byte[]> fields, IMessage message, FieldDescriptor field, Random random)
    {
        var alone = message.Descriptor.Parser.ParseFrom([]);
        if (!field.IsRepeated)
        {
            if (!field.HasPresence || field.Accessor.HasValue(message))
            {
                field.Accessor.SetValue(alone, field.Accessor.GetValue(message));
                fields.Add(alone.ToByteArray());
            }

            return;
        }

        var list = (IList)field.Accessor.GetValue(alone);
        foreach (var value in (IList)field.Accessor.GetValue(message))
        {
            list.Add(value);
            if (random.Next(2) == 0)
            {
                fields.Add(random.Next(2) == 0 ? Unpacked(alone, field) : alone.ToByteArray());
                list.Clear();
            }
        }

        fields.Add(alone.ToByteArray());
    }

    private static byte[] Unpacked(IMessage alone, FieldDescriptor field) => Written(output =>
    {
        foreach (var value in (IList)field.Accessor.GetValue(alone))
        {
            switch (value)
            {
                case ulong bits when field.FieldType == FieldType.UInt64:
                    output.WriteTag(field.FieldNumber, WireFormat.WireType.Varint);
                    output.WriteUInt64(bits);
                    break;

                case ulong bits:
                    output.WriteTag(field.FieldNumber, WireFormat.WireType.Fixed64);
                    output.WriteFixed64(bits);
                    break;

                case double number:
                    output.WriteTag(field.FieldNumber, WireFormat.WireType.Fixed64);
                    output.WriteDouble(number);
                    break;

                case string text:
                    output.WriteTag(field.FieldNumber, WireFormat.WireType.LengthDelimited);
                    output.WriteString(text);
                    break;

                default:
                    throw new InvalidOperationException($"OTLP has a new type of repeated field: {field.FieldType}.");
            }
        }
    });

    private static byte[] Written(Action<CodedOutputStream> write)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            write(output);
        }

        return stream.ToArray();
    }
}
