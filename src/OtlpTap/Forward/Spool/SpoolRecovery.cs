using System.Buffers.Binary;
using System.Globalization;
using OtlpTap.Metrics;

namespace OtlpTap.Forward.Spool;

/// <summary>
/// What an earlier run left in the directory. First every file is named and its header read, and one that this version
/// does not know refuses the start with nothing changed. That takes a moment. Then, beside the first requests, everything
/// is looked through, oldest first: how many records there are, and where the last segment was not finished, which is cut
/// off. New segments are behind these, and wait for nothing.
/// </summary>
internal sealed class SpoolRecovery(string exporter, string directory, ISpoolFiles files, SegmentList segments, SpoolPosition? cursor, SpoolMetrics metrics, ILogger log)
{
    // Looked through before anything is appended, as it nearly always can: were the tap killed between, its unfinished end
    // would stand in the middle, and be taken for damage.
    private const long LastAtOnceBytesMax = 64 << 20;

    private readonly List<SpoolSegment> _found = [];
    private long _records;
    private long _bytes;

    /// <summary>Whether there is anything to look through.</summary>
    public bool HasFound => _found.Count > 0;

    /// <exception cref="SpoolException">A file is not the spool's, or of another version.</exception>
    public void Find(IReadOnlyList<string> names)
    {
        foreach (var name in names.Order(StringComparer.Ordinal))
        {
            Look(name);
        }

        // The header of a segment was synced before a record could follow: the crash came between.
        foreach (var empty in _found.Where(segment => segment.FileLength <= SegmentHeader.Length).ToList())
        {
            files.Delete(empty.Path);
            _found.Remove(empty);
        }

        foreach (var segment in _found)
        {
            segments.Add(segment);
        }

        if (_found.Count > 0 && _found[^1].FileLength <= LastAtOnceBytesMax)
        {
            Recover(_found[^1], CancellationToken.None);
        }
    }

    /// <summary>Looks through what was found. A file that cannot be read is left to the reader, who tries again.</summary>
    /// <param name="recovered">Called after each segment, which may be delivered then.</param>
    public void Run(Action recovered, CancellationToken stopping)
    {
        foreach (var segment in _found.Where(segment => !segment.IsRecovered))
        {
            try
            {
                Recover(segment, stopping);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                metrics.DiskFailed();
                log.NotRecovered(exporter, segment.Path, exception.Message);
                segment.File = null;
                segments.Recovered(segment, 0, segment.FileLength);
            }

            if (stopping.IsCancellationRequested)
            {
                return;
            }

            recovered();
        }

        if (_records > 0)
        {
            log.Recovered(exporter, directory, _records, _bytes);
        }
    }

    private void Look(string name)
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
            _found.Add(Open(path, number));
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
                        IsRecovered = false,
                        IsDamaged = state == SegmentHeaderState.Damaged,
                        FileLength = length,
                        ReadableLength = length,
                        StartOffset = cursor is { } position && position.Marker == marker ? Math.Max(position.Offset, SegmentHeader.Length) : SegmentHeader.Length,
                    };
            }
        }
    }

    private void Recover(SpoolSegment segment, CancellationToken stopping)
    {
        var isLast = segment == _found[^1];
        using var file = new ReadAhead(files.Open(segment.Path));
        segment.File = file;

        var offset = segment.StartOffset;
        var end = Math.Min(offset, segment.FileLength);
        var (records, recordsToEnd) = (0, 0);
        while (segment.TryFind(offset, out var at, out var header))
        {
            if (stopping.IsCancellationRequested)
            {
                segment.File = null;
                return;
            }

            offset = at + header.RecordLength;
            records++;

            // Of the last segment alone the bodies are read: in the others what is damaged is found when it is delivered.
            if (!isLast || segment.IsBodyIntact(at, header))
            {
                end = offset;
                recordsToEnd = records;
            }
        }

        if (isLast && end < segment.FileLength && !segment.IsDamaged)
        {
            log.TailCut(exporter, segment.FileLength - end, segment.Path);
            file.SetLength(end);
            file.Sync();
            records = recordsToEnd;
        }
        else
        {
            end = segment.FileLength;
        }

        _records += records;
        _bytes += end;
        segment.File = null; // from here on the reader's
        segments.Recovered(segment, records, end);
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
