using System.Buffers.Binary;
using System.Text;

namespace OtlpTap.Rules.Expressions.Times;

/// <summary>
/// A zone of the time zone database, read from the system's compiled files: .NET's own reading of them leaves out the
/// abbreviations (EST, CEST), which times are parsed and written with.
/// Source: RFC 9636 (TZif).
/// </summary>
internal sealed class ZoneFile : Zone
{
    // A zone's file has a few kilobytes; what is longer is none.
    private const int LengthMax = 1024 * 1024;

    private const int HeaderLength = 44;

    private static readonly string[] Folders = ["/usr/share/zoneinfo/", "/usr/share/lib/zoneinfo/", "/usr/lib/locale/TZ/", "/etc/zoneinfo/"];

    private readonly long[] _transitions;
    private readonly byte[] _transitionTypes;
    private readonly ZoneOffset[] _types;
    private readonly bool[] _isDaylight;
    private readonly ZoneRule? _rule;

    private ZoneFile(long[] transitions, byte[] transitionTypes, ZoneOffset[] types, bool[] isDaylight, ZoneRule? rule)
    {
        _transitions = transitions;
        _transitionTypes = transitionTypes;
        _types = types;
        _isDaylight = isDaylight;
        _rule = rule;
    }

    /// <summary>Null when the system has no such zone.</summary>
    public static Zone? Find(string name)
    {
        if (name is "" or "UTC" or "Local")
        {
            return Utc;
        }

        if (name.Contains("..", StringComparison.Ordinal) || name.StartsWith('/') || name.Contains('\\') || name.Contains('\0'))
        {
            return null;
        }

        foreach (var folder in Folders)
        {
            var file = new FileInfo(folder + name);
            try
            {
                if (file.Exists && file.Length <= LengthMax && Read(File.ReadAllBytes(file.FullName)) is { } zone)
                {
                    return zone;
                }
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
            {
                // As good as absent: the next folder may have it.
            }
        }

        return null;
    }

    public override ZoneOffset At(long unixSeconds)
    {
        if (_transitions.Length == 0 || unixSeconds < _transitions[0])
        {
            return _rule is not null && _transitions.Length == 0 ? _rule.At(unixSeconds) : _types[FirstStandard()];
        }

        if (unixSeconds >= _transitions[^1] && _rule is not null)
        {
            return _rule.At(unixSeconds);
        }

        var at = Array.BinarySearch(_transitions, unixSeconds);
        return _types[_transitionTypes[at >= 0 ? at : ~at - 1]];
    }

    public override bool TryFindOffset(string name, long unixSeconds, out int offsetSeconds)
    {
        foreach (var type in _types)
        {
            if (type.Name == name)
            {
                var then = At(unixSeconds - type.OffsetSeconds);
                if (then.Name == name)
                {
                    offsetSeconds = then.OffsetSeconds;
                    return true;
                }
            }
        }

        foreach (var type in _types)
        {
            if (type.Name == name)
            {
                offsetSeconds = type.OffsetSeconds;
                return true;
            }
        }

        offsetSeconds = 0;
        return false;
    }

    private int FirstStandard()
    {
        var standard = Array.IndexOf(_isDaylight, false);
        return standard < 0 ? 0 : standard;
    }

    private static ZoneFile? Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderLength || !bytes.StartsWith("TZif"u8))
        {
            return null;
        }

        if (bytes[4] == 0)
        {
            return ReadBlock(bytes, 4, out _);
        }

        // Of the two blocks the second has times of 64 bits.
        var skipped = BlockLength(bytes, 4);
        if (skipped > bytes.Length - HeaderLength)
        {
            return null;
        }

        return ReadBlock(bytes[skipped..], 8, out _);
    }

    private static int BlockLength(ReadOnlySpan<byte> bytes, int timeLength)
    {
        var (utc, standard, leaps, transitions, types, characters) = Counts(bytes);
        var length = HeaderLength + ((long)transitions * (timeLength + 1)) + ((long)types * 6) + characters + ((long)leaps * (timeLength + 4)) + standard + utc;
        return length is >= 0 and <= LengthMax ? (int)length : int.MaxValue;
    }

    private static (int Utc, int Standard, int Leaps, int Transitions, int Types, int Characters) Counts(ReadOnlySpan<byte> bytes) =>
        (Count(bytes, 20), Count(bytes, 24), Count(bytes, 28), Count(bytes, 32), Count(bytes, 36), Count(bytes, 40));

    private static int Count(ReadOnlySpan<byte> bytes, int at) => Math.Abs(BinaryPrimitives.ReadInt32BigEndian(bytes[at..]) & 0xFFFFFF);

    private static ZoneFile? ReadBlock(ReadOnlySpan<byte> bytes, int timeLength, out int length)
    {
        length = BlockLength(bytes, timeLength);
        if (length > bytes.Length)
        {
            return null;
        }

        var (_, _, _, transitionCount, typeCount, characterCount) = Counts(bytes);
        var at = HeaderLength;
        var transitions = new long[transitionCount];
        for (var i = 0; i < transitionCount; i++)
        {
            transitions[i] = timeLength == 8 ? BinaryPrimitives.ReadInt64BigEndian(bytes[at..]) : BinaryPrimitives.ReadInt32BigEndian(bytes[at..]);
            at += timeLength;
        }

        var transitionTypes = bytes.Slice(at, transitionCount).ToArray();
        at += transitionCount;
        var names = bytes.Slice(at + (typeCount * 6), characterCount);
        var types = new ZoneOffset[typeCount];
        var isDaylight = new bool[typeCount];
        for (var i = 0; i < typeCount; i++, at += 6)
        {
            if (bytes[at + 5] >= characterCount)
            {
                return null;
            }

            var name = names[bytes[at + 5]..];
            var end = name.IndexOf((byte)0);
            types[i] = new ZoneOffset(Encoding.ASCII.GetString(end < 0 ? name : name[..end]), BinaryPrimitives.ReadInt32BigEndian(bytes[at..]));
            isDaylight[i] = bytes[at + 4] != 0;
        }

        if (typeCount == 0 || transitionTypes.AsSpan().ContainsAnyExceptInRange((byte)0, (byte)Math.Min(255, typeCount - 1)))
        {
            return null;
        }

        var footer = timeLength == 8 ? Encoding.ASCII.GetString(bytes[length..]).Trim('\n') : "";
        return new ZoneFile(transitions, transitionTypes, types, isDaylight, ZoneRule.Parse(footer));
    }
}
