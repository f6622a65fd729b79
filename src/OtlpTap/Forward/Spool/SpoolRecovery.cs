using System.Buffers.Binary;
using System.Globalization;

namespace OtlpTap.Forward.Spool;

/// <summary>
/// What an earlier run left in the directory. First everything is looked at, and a file that this version does not know
/// refuses the start with nothing changed; then the end of the last segment that was not finished is cut off.
/// </summary>
internal sealed class SpoolRecovery(string exporter, string directory, ISpoolFiles files, SegmentList segments, SpoolPosition? cursor, ILogger log)
{
    /// <exception cref="SpoolException">A file is not the spool's, or of another version.</exception>
    public void Run(IReadOnlyList<string> names)
    {
        var found = new List<SpoolSegment>();
        foreach (var name in names.Order(StringComparer.Ordinal))
        {
            Look(name, found);
        }

        for (var i = 0; i < found.Count; i++)
        {
            Recover(found[i], isLast: i == found.Count - 1);
        }

        if (segments.Records > 0)
        {
            log.Recovered(exporter, directory, segments.Records, segments.Bytes);
        }
    }

    private void Look(string name, List<SpoolSegment> found)
    {
        var path = Path.Combine(directory, name);
        if (name.EndsWith(SpoolSegment.Extension + SpoolSegment.AsideExtension, StringComparison.Ordinal))
        {
            using var aside = files.Open(path);
            segments.AddAside(aside.Length);
            if (TryReadNumber(name[..^SpoolSegment.AsideExtension.Length], out var taken))
            {
                segments.NumberSeen(taken);
            }
        }
        else if (name.EndsWith(SpoolSegment.Extension, StringComparison.Ordinal))
        {
            if (!TryReadNumber(name, out var number))
            {
                throw NotASegment(path);
            }

            segments.NumberSeen(number);
            found.Add(Open(path, number));
        }
    }

    private SpoolSegment Open(string path, ulong number)
    {
        using (var file = files.Open(path))
        {
            var length = file.Length;
            Span<byte> bytes = stackalloc byte[SegmentHeader.Length + RecordHeader.MarkerLength];
            bytes.Clear();
            file.Read(bytes, 0);
            var state = SegmentHeader.Read(bytes, out var header);
            if (length < SegmentHeader.Length && SegmentHeader.IsBeginning(bytes[..(int)length]))
            {
                state = SegmentHeaderState.Damaged;
            }

            switch (state)
            {
                case SegmentHeaderState.Foreign:
                    throw NotASegment(path);

                case SegmentHeaderState.OtherVersion:
                    throw new SpoolException($"spool segment {path} has format version {bytes[SegmentHeader.VersionOffset]}, and this version of the tap reads {SegmentHeader.Version}; let the version that wrote it deliver it, or move it away");

                default:
                    var marker = state == SegmentHeaderState.Intact ? header.Marker : BinaryPrimitives.ReadUInt64LittleEndian(bytes[SegmentHeader.Length..]);
                    return new SpoolSegment(number, path, marker)
                    {
                        IsSealed = true,
                        IsDamaged = state == SegmentHeaderState.Damaged,
                        FileLength = length,
                        ReadableLength = length,
                        StartOffset = cursor is { } position && position.Marker == marker ? Math.Max(position.Offset, SegmentHeader.Length) : SegmentHeader.Length,
                    };
            }
        }
    }

    private void Recover(SpoolSegment segment, bool isLast)
    {
        // Its header was synced before a record could follow: the crash came between.
        if (segment.FileLength <= SegmentHeader.Length)
        {
            files.Delete(segment.Path);
            return;
        }

        using var file = files.Open(segment.Path);
        segment.File = file;

        var offset = segment.StartOffset;
        var end = Math.Min(offset, segment.FileLength);
        var recordsToEnd = 0;
        while (segment.TryFind(offset, out var at, out var header))
        {
            offset = at + header.RecordLength;
            segment.RecordsLeft++;

            // Of the last segment alone the bodies are read: in the others what is damaged is found when it is delivered.
            if (!isLast || segment.IsBodyIntact(at, header))
            {
                end = offset;
                recordsToEnd = segment.RecordsLeft;
            }
        }

        if (isLast && end < segment.FileLength && !segment.IsDamaged)
        {
            log.TailCut(exporter, segment.FileLength - end, segment.Path);
            file.SetLength(end);
            file.Sync();
            segment.FileLength = end;
            segment.ReadableLength = end;
            segment.RecordsLeft = recordsToEnd;
        }

        segment.File = null;
        segments.Add(segment);
    }

    private static bool TryReadNumber(string name, out ulong number)
    {
        number = 0;
        return name.Length == 20 + SpoolSegment.Extension.Length
            && ulong.TryParse(name.AsSpan(0, 20), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private static SpoolException NotASegment(string path) =>
        new($"{path} is in the directory of a spool and is no segment of one; move it away, or give the spool another directory");
}
