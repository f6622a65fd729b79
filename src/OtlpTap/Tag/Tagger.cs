using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using OtlpTap.Buffers;
using OtlpTap.Scan;

namespace OtlpTap.Tag;

/// <summary>
/// Splices the tag's attributes in at the end of each matched span or log record and repairs the lengths that enclose it. A repeated
/// field need not be contiguous, so the end is as good a place as any, and everything else is copied as it stands: of
/// the original only the length prefixes of tagged spans and of the scopes and resources around them are not.
/// <code>
///   ... | tag | length | ResourceSpans ... | tag | length | ScopeSpans ... | tag | length | Span ... |
///             '-- repaired                       '-- repaired                    '-- repaired        '-- attributes
/// </code>
/// </summary>
internal static class Tagger
{
    /// <summary>Up to so many matches are measured on the stack (2 KiB).</summary>
    private const int MatchesOnStackMax = 512;

    /// <summary>The longest message that an array can hold behind its frame header.</summary>
    public static readonly int LengthMax = Array.MaxLength - Payload.FrameHeaderLength;

    public static bool TryTag(Payload original, ScanResult scan, PayloadPool pool, [NotNullWhen(true)] out Payload? tagged) =>
        TryTag(original, scan, pool, LengthMax, out tagged);

    /// <summary>
    /// False, and the original is to go on, when nothing is to be tagged or the result would be longer than
    /// <paramref name="lengthMax"/>. <paramref name="tagged"/> comes with one reference, held by the caller; the
    /// original keeps its own.
    /// </summary>
    public static bool TryTag(Payload original, ScanResult scan, PayloadPool pool, int lengthMax, [NotNullWhen(true)] out Payload? tagged)
    {
        tagged = null;
        if (!scan.NeedsTag)
        {
            return false;
        }

        var count = scan.Matches.Length;
        var rented = count > MatchesOnStackMax ? ArrayPool<int>.Shared.Rent(count) : null;
        Span<int> tagLengths = rented is null ? stackalloc int[count] : rented.AsSpan(0, count);
        try
        {
            if (!TryMeasure(original.Span, scan, tagLengths, lengthMax))
            {
                return false;
            }

            var splice = new Splice(original.Span, scan, tagLengths);
            var length = splice.TaggedLength();
            if (length > lengthMax)
            {
                return false;
            }

            tagged = pool.Rent((int)length);
            splice.Write(tagged.Writable);
            return true;
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<int>.Shared.Return(rented);
            }
        }
    }

    private static bool TryMeasure(ReadOnlySpan<byte> request, ScanResult scan, Span<int> tagLengths, int lengthMax)
    {
        for (var i = 0; i < tagLengths.Length; i++)
        {
            var length = TagAttributes.Length(request, scan, in scan.Matches[i]);
            if (length > lengthMax)
            {
                return false;
            }

            tagLengths[i] = (int)length;
        }

        return true;
    }
}
