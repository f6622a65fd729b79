using System.Globalization;
using System.Text;
using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Scan;

/// <summary>
/// Says in words where a refused request is wrong, by a second walk down to the error. Such as:
/// <c>resource_spans[0].scope_spans[1].spans[3].attributes[2]: length 91 runs past the end at byte 1234</c>.
/// </summary>
internal static class FieldPath
{
    /// <param name="error">What <see cref="RequestScanner.TryScan"/> answered for the same bytes.</param>
    public static string Describe(Signal signal, ReadOnlySpan<byte> request, in WireError error)
    {
        var path = new StringBuilder();
        var found = TryDescend(MessageShape.Of(signal), new ProtoReader(request), request, in error, path);
        return string.Create(CultureInfo.InvariantCulture, $"{(found && path.Length > 0 ? path : "request")}: {Cause(request, in error)} at byte {error.Offset}");
    }

    /// <summary>Depth first through the messages that the scan walks, until a reader stops with this very error.</summary>
    private static bool TryDescend(MessageShape shape, ProtoReader reader, ReadOnlySpan<byte> request, in WireError error, StringBuilder path)
    {
        // Counted for the fields of the shape alone: a hostile message may have any number of others.
        var outer = path.Length;
        var seen = new Dictionary<FieldShape, int>();
        while (reader.Next())
        {
            if (shape.Field(reader.Tag) is not { } field)
            {
                continue;
            }

            var index = seen.GetValueOrDefault(field);
            seen[field] = index + 1;
            if (reader.ValueEnd >= error.Offset && field.Message is { } inner)
            {
                Append(path, field, index);
                if (TryDescend(inner, new ProtoReader(request, reader.ValueOffset, reader.ValueEnd), request, in error, path))
                {
                    return true;
                }

                path.Length = outer;
            }
        }

        if (reader.Error != error)
        {
            return false;
        }

        if (shape.Field(reader.Tag) is { } wrong)
        {
            Append(path, wrong, seen.GetValueOrDefault(wrong));
        }
        else if (reader.Tag != 0)
        {
            path.Append(path.Length == 0 ? "" : ".").Append(CultureInfo.InvariantCulture, $"field {reader.FieldNumber}");
        }

        return true;
    }

    private static void Append(StringBuilder path, FieldShape field, int index)
    {
        path.Append(path.Length == 0 ? "" : ".").Append(field.Name);
        if (field.IsRepeated)
        {
            path.Append(CultureInfo.InvariantCulture, $"[{index}]");
        }
    }

    private static string Cause(ReadOnlySpan<byte> request, in WireError error) => error.Kind switch
    {
        WireErrorKind.TagTruncated => "a field tag is cut off",
        WireErrorKind.TagTooLarge => "a field tag does not fit into 32 bits",
        WireErrorKind.FieldNumberZero => "field number 0",
        WireErrorKind.WireTypeUnknown => "an unknown wire type",
        WireErrorKind.VarintTruncated => "a varint is cut off",
        WireErrorKind.VarintTooLong => "a varint of more than 10 bytes",
        WireErrorKind.LengthPastEnd => string.Create(CultureInfo.InvariantCulture, $"length {LengthAt(request, error.Offset)} runs past the end"),
        WireErrorKind.FixedTruncated => "a fixed-width value is cut off",
        WireErrorKind.GroupEndUnexpected => "a group ends that was not begun",
        WireErrorKind.GroupUnclosed => "a group is not ended",
        WireErrorKind.GroupTooDeep => "groups are nested too deeply",
        _ => "no error",
    };

    private static ulong LengthAt(ReadOnlySpan<byte> request, int offset)
    {
        return ProtoReader.TryReadVarint(request, ref offset, out var length) ? length : 0;
    }
}
